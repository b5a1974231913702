'use strict';

// Makes `sls package` and `sls deploy` build functions with `make package`, publish the alias that the API invokes, and
// create the CodeDeploy resources of a gradual deployment, as SAM does. Stops a deployment that tools/deploy would stop.

const { execFileSync } = require('node:child_process');
const { copyFileSync, mkdirSync } = require('node:fs');
const { checkDeployment } = require('../deploy/sls_checks.js');

const ALIAS = 'live'; // AutoPublishAlias in template.yaml

module.exports = class NewsPlugin {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.build(Object.keys(this.functions)),
      'before:package:compileFunctions': () => this.setTargetAliases(),
      'after:package:compileFunctions': () => this.addAliases(),
      'after:aws:package:finalize:mergeCustomProviderResources': () => this.finalizeTemplate(),
      'before:deploy:deploy': () => checkDeployment(serverless),
    };
  }

  get functions() {
    return this.serverless.service.functions;
  }

  build(names) {
    const { architecture, runtime } = this.serverless.service.provider;
    for (const name of names) {
      try {
        execFileSync('make', ['--silent', 'package', `MODULE=${name}`, `ARCH=${architecture}`, `RUNTIME=${runtime}`], {
          cwd: this.serverless.serviceDir,
          stdio: ['ignore', process.stderr, process.stderr], // keep standard output for sls
        });
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
        throw new this.serverless.classes.Error('make is missing: see Prerequisites in docs/before-you-deploy.md');
      }
      // sls compares the artifacts in .serverless with the deployed ones, and skips the deployment if none changed.
      mkdirSync('.serverless', { recursive: true });
      copyFileSync(`build/${name}.zip`, `.serverless/${name}.zip`);
      this.functions[name].package = { individually: true, artifact: `.serverless/${name}.zip` };
    }
  }

  // sls compiles routes and permissions for targetAlias, if a function has it.
  setTargetAliases() {
    const { naming } = this.serverless.getProvider('aws');
    for (const [name, functionConfig] of Object.entries(this.functions)) {
      functionConfig.targetAlias = { name: ALIAS, logicalId: `${naming.getNormalizedFunctionName(name)}LiveAlias` };
    }
  }

  get template() {
    return this.serverless.service.provider.compiledCloudFormationTemplate;
  }

  addAliases() {
    const { naming } = this.serverless.getProvider('aws');
    const { Resources } = this.template;
    for (const [name, functionConfig] of Object.entries(this.functions)) {
      Resources[functionConfig.targetAlias.logicalId] = {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          FunctionName: { Ref: naming.getLambdaLogicalId(name) },
          FunctionVersion: { 'Fn::GetAtt': [functionConfig.versionLogicalId, 'Version'] },
          Name: ALIAS,
        },
      };
    }
  }

  finalizeTemplate() {
    const { deployment, retainTables, rules } = this.serverless.service.custom;
    this.template.Rules = rules;
    this.describeVersions();
    if (retainTables === 'false') this.deleteTablesWithStack();
    if (deployment !== 'AllAtOnce') this.deployGradually(deployment);
    this.renameFunctions();
  }

  // As in SAM's template, versions have the description of their function, and an update keeps the previous version.
  describeVersions() {
    const { naming } = this.serverless.getProvider('aws');
    const { Resources } = this.template;
    for (const [name, functionConfig] of Object.entries(this.functions)) {
      const { Properties, UpdateReplacePolicy } = Resources[naming.getLambdaLogicalId(name)];
      Resources[functionConfig.versionLogicalId].Properties.Description = Properties.Description;
      for (const logicalId of [functionConfig.versionLogicalId, functionConfig.targetAlias.logicalId]) {
        Resources[logicalId].UpdateReplacePolicy = UpdateReplacePolicy;
      }
    }
  }

  // The same as tools/deploy/tables.py.
  deleteTablesWithStack() {
    for (const resource of Object.values(this.template.Resources)) {
      if (resource.Type === 'AWS::DynamoDB::Table') {
        resource.DeletionPolicy = 'Delete';
        resource.UpdateReplacePolicy = 'Delete';
      }
    }
  }

  // The resources that SAM creates for DeploymentPreference in template.yaml (samtranslator/model/preferences).
  deployGradually(deployment) {
    const { naming } = this.serverless.getProvider('aws');
    const { Resources } = this.template;
    Resources.ServerlessDeploymentApplication = {
      Type: 'AWS::CodeDeploy::Application',
      Properties: { ComputePlatform: 'Lambda' },
    };
    for (const [name, functionConfig] of Object.entries(this.functions)) {
      const group = `${this.samName(name)}DeploymentGroup`;
      const title = naming.getNormalizedFunctionName(name);
      const alarms = ['ApiErrorsAlarm', 'ApiLatencyAlarm', `${title}ErrorsAlarm`, `${title}DurationAlarm`];
      Resources[group] = {
        Type: 'AWS::CodeDeploy::DeploymentGroup',
        Properties: {
          ApplicationName: { Ref: 'ServerlessDeploymentApplication' },
          ServiceRoleArn: { 'Fn::GetAtt': ['CodeDeployServiceRole', 'Arn'] },
          DeploymentConfigName: `CodeDeployDefault.Lambda${deployment}`,
          DeploymentStyle: { DeploymentType: 'BLUE_GREEN', DeploymentOption: 'WITH_TRAFFIC_CONTROL' },
          AlarmConfiguration: {
            Enabled: true,
            Alarms: alarms.map((alarm) => ({ Name: { Ref: alarm } })),
          },
          AutoRollbackConfiguration: {
            Enabled: true,
            Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
          },
        },
      };
      Resources[functionConfig.targetAlias.logicalId].UpdatePolicy = {
        CodeDeployLambdaAliasUpdate: {
          ApplicationName: { Ref: 'ServerlessDeploymentApplication' },
          DeploymentGroupName: { Ref: group },
        },
      };
    }
  }

  // Resources included from template.yaml refer to functions by SAM's logical IDs; replace them with those of sls.
  renameFunctions() {
    const { naming } = this.serverless.getProvider('aws');
    let text = JSON.stringify(this.template.Resources);
    for (const name of Object.keys(this.functions)) {
      text = text
        .replaceAll(`{"Ref":"${this.samName(name)}"}`, `{"Ref":"${naming.getLambdaLogicalId(name)}"}`)
        .replaceAll(`\${${this.samName(name)}}`, `\${${naming.getLambdaLogicalId(name)}}`);
    }
    this.template.Resources = JSON.parse(text);
  }

  samName(name) {
    return `${this.serverless.getProvider('aws').naming.getNormalizedFunctionName(name)}Function`;
  }
};
