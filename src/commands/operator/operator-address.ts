import { existsSync } from 'node:fs';
import { readEnvironment } from '../../config/sources/read-environment.ts';

/**
 * Where the listener for operators is, as an origin. Its address needs no secret. What reads and judges a YAML file is
 * loaded only where there is one, and a configuration that does not load falls back to its variables.
 */
export async function operatorAddress(): Promise<string> {
  const cwd = process.cwd();
  const env = readEnvironment(cwd, process.env);
  const { BINANCE_PROXY_OPERATOR_HOST: host, BINANCE_PROXY_OPERATOR_PORT: port } = env;
  const named = originOf(host || '127.0.0.1', Number(port || 8081));
  if ((env.BINANCE_PROXY_CONFIG ?? '') === '' && !existsSync('config/proxy.yaml')) return named;
  const [{ loadSettings }, { ConfigError }] = await Promise.all([
    import('../../config/load-settings.ts'),
    import('../../config/problems/config-error.ts'),
  ]);
  try {
    const { operator } = loadSettings({ env, cwd });
    return originOf(operator.host, operator.port);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return named;
  }
}

/** An address that stands for all addresses is reached on loopback. */
function originOf(host: string, port: number): string {
  const reached = host === '::' ? '::1' : host === '0.0.0.0' ? '127.0.0.1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}
