import { resolve } from 'node:path';
import type { ConfigProblem } from '../../config/problems/config-error.ts';
import { layerConfig } from '../../config/schema/layered-config.ts';
import { CONFIG_VARIABLE } from '../../config/schema/variables.ts';
import { type Environment, readEnvironment } from '../../config/sources/read-environment.ts';
import { readYamlFile } from '../../config/sources/read-yaml.ts';

/** Where a proxy that was started in this folder writes; a new configuration that is wrong must not hide it. */
export function configuredFolders(
  cwd: string,
  environment: Environment,
): { readonly auditDir: string | undefined; readonly stateDir: string | undefined } {
  const problems: ConfigProblem[] = [];
  const env = readEnvironment(cwd, environment);
  const sources = { env, cwd, problems, secrets: [], warnings: [] };
  const file = readYamlFile(sources, env[CONFIG_VARIABLE] || undefined, 'config/proxy.yaml', () => {});
  const { config } = layerConfig(sources, file);
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(cwd, path));
  return { auditDir: absolute(config.audit?.dir), stateDir: absolute(config.stateDir) };
}
