'use strict';

// The region of sls: AWS_REGION, AWS_DEFAULT_REGION, or that of `aws configure`, as for SAM. serverless.yml calls this.

const { existsSync, readFileSync } = require('node:fs');
const { homedir } = require('node:os');
const { join } = require('node:path');

module.exports = ({ options }) => {
  const { AWS_CONFIG_FILE, AWS_DEFAULT_REGION, AWS_PROFILE, AWS_REGION } = process.env;
  const region = AWS_REGION || AWS_DEFAULT_REGION || configuredRegion(
    AWS_CONFIG_FILE || join(homedir(), '.aws', 'config'),
    options['aws-profile'] || AWS_PROFILE || 'default',
  );
  if (!region) throw new Error('no region: run aws configure, or set AWS_REGION');
  return region;
};

// Return the region of a profile in a file of AWS, an INI file.
function configuredRegion(file, profile) {
  if (!existsSync(file)) return undefined;
  let isProfile = false;
  for (const line of readFileSync(file, 'utf8').split(/\r?\n/)) {
    const section = line.match(/^\[\s*(?:profile\s+)?(.+?)\s*\]/);
    if (section) isProfile = section[1] === profile;
    const value = line.match(/^region\s*=\s*(\S+)/);
    if (isProfile && value) return value[1];
  }
  return undefined;
}
