'use strict';

// For `sls package` and `sls deploy`: functions are built by `make package`, as SAM's are, and published under the
// alias that the API calls.

const { execFileSync } = require('node:child_process');
const { copyFileSync, mkdirSync } = require('node:fs');

const ALIAS = 'live'; // AutoPublishAlias in template.yaml

module.exports = class NewsPlugin {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.build(Object.keys(this.functions)),
      'before:package:compileFunctions': () => this.nameAliases(),
      'after:package:compileFunctions': () => this.addAliases(),
    };
  }

  get functions() {
    return this.serverless.service.functions;
  }

  build(names) {
    const { architecture } = this.serverless.service.provider;
    for (const name of names) {
      execFileSync('make', ['--silent', 'package', `MODULE=${name}`, `ARCH=${architecture}`], {
        cwd: this.serverless.serviceDir,
        stdio: ['ignore', process.stderr, process.stderr], // standard output is for what sls prints
      });
      // There sls looks whether the artefact has changed, and deploys nothing where it hasn't.
      mkdirSync('.serverless', { recursive: true });
      copyFileSync(`build/${name}.zip`, `.serverless/${name}.zip`);
      this.functions[name].package = { individually: true, artifact: `.serverless/${name}.zip` };
    }
  }

  // Routes and permissions are compiled for this alias, if a function has it.
  nameAliases() {
    const { naming } = this.serverless.getProvider('aws');
    for (const [name, each] of Object.entries(this.functions)) {
      each.targetAlias = { name: ALIAS, logicalId: `${naming.getNormalizedFunctionName(name)}LiveAlias` };
    }
  }

  addAliases() {
    const { naming } = this.serverless.getProvider('aws');
    const { Resources } = this.serverless.service.provider.compiledCloudFormationTemplate;
    for (const [name, each] of Object.entries(this.functions)) {
      Resources[each.targetAlias.logicalId] = {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          FunctionName: { Ref: naming.getLambdaLogicalId(name) },
          FunctionVersion: { 'Fn::GetAtt': [each.versionLogicalId, 'Version'] },
          Name: ALIAS,
        },
      };
    }
  }
};
