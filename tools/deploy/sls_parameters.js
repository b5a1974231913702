'use strict';

// The parameters of a stage for sls, as parameters.py reads them: those of PARAMETERS, else of stages/<stage>.yaml, else the
// defaults of template.yaml. serverless.yml calls this. `--param` takes precedence, but accepts no empty value.

const text = (value) => (value === null ? '' : [value].flat().join(','));
const lowerFirst = (name) => name[0].toLowerCase() + name.slice(1);

module.exports = async ({ resolveVariable }) => {
  const declared = await resolveVariable('file(template.yaml):Parameters');
  const ofStage = (await resolveVariable(`file(stages/${await resolveVariable('sls:stage')}.yaml), null`)) || {};
  const given = (process.env.PARAMETERS || '').split(' ').filter(Boolean).map((each) => {
    const [name, ...value] = each.split('=');
    return [lowerFirst(name), value.join('=')];
  });
  const values = Object.entries(declared).map(([name, { Default = null }]) => [lowerFirst(name), text(name in ofStage ? ofStage[name] : Default)]);
  return Object.fromEntries([...values, ...given].filter(([name]) => name !== 'stage'));
};
