'use strict';

// Stops an `sls deploy` that checks.py would stop, for those who do not deploy with `make deploy-sls`.

const { DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');

exports.checkDeployment = async (serverless) => {
  const stage = serverless.getProvider('aws').getStage();
  const { CONFIRM, ALLOW = '' } = process.env;
  if (stage === 'prod' && CONFIRM !== stage) {
    throw new serverless.classes.Error(
      'deploy prod with `make deploy-sls STAGE=prod`, which asks for a confirmation, or set CONFIRM=prod',
    );
  }
  const issuer = await deployedIssuer(serverless.getProvider('aws'));
  if (issuer && !serverless.service.custom.issuer && !ALLOW.split(' ').includes('drop-issuer')) {
    throw new serverless.classes.Error(
      `this would remove the issuer ${issuer} and all write routes: set AuthIssuer and AuthAudience in ` +
        `stages/${stage}.yaml, or ALLOW=drop-issuer`,
    );
  }
};

// Return the issuer of the deployed stack, if there is one.
async function deployedIssuer(provider) {
  const StackName = provider.naming.getStackName();
  try {
    const { Stacks } = provider.getCloudFormationClient // osls; `serverless` has request()
      ? await (await provider.getCloudFormationClient()).send(new DescribeStacksCommand({ StackName }))
      : await provider.request('CloudFormation', 'describeStacks', { StackName });
    return Stacks[0].Parameters?.find(({ ParameterKey }) => ParameterKey === 'AuthIssuer')?.ParameterValue;
  } catch (error) {
    if (/does not exist/.test(error.message)) return undefined;
    throw error;
  }
}
