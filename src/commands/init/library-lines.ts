/** What an app writes to reach the proxy. */
export interface LibraryLines {
  /** The language of the lines, as a code block names it. */
  readonly language: string;
  /** The same lines as in docs/clients.md, with {@link PLACEHOLDERS} in them. */
  readonly lines: string;
  /** False for what cannot sign: its client is not asked for signatures. */
  readonly signs?: false;
}

/** What stands in the lines where the address and the issued pair belong. */
export const PLACEHOLDERS = {
  url: 'http://localhost:8080',
  key: 'ISSUED_KEY',
  secret: 'ISSUED_SECRET',
} as const;

/** The lines of each library by the name that `init --library` takes; a test holds docs/clients.md against them. */
export const LIBRARIES: ReadonlyMap<string, LibraryLines> = new Map<string, LibraryLines>([
  [
    'curl',
    {
      language: 'sh',
      lines: "curl -s -H 'X-MBX-APIKEY: ISSUED_KEY' http://localhost:8080/api/v3/account",
      signs: false,
    },
  ],
  [
    'ccxt',
    {
      language: 'js',
      lines: `import ccxt from 'ccxt';

const proxy = 'http://localhost:8080';
const api = {};
for (const [name, url] of Object.entries(new ccxt.binance().urls.api)) api[name] = proxy + new URL(url).pathname;
api.dapiData = \`\${proxy}/coinm/futures/data\`; // the same path as USD-M's: the prefix says which one is meant

const exchange = new ccxt.binance({ apiKey: 'ISSUED_KEY', secret: 'ISSUED_SECRET', timeout: 20_000, urls: { api } });`,
    },
  ],
  [
    'ccxt-python',
    {
      language: 'python',
      lines: `import ccxt  # or ccxt.async_support
from urllib.parse import urlsplit

proxy = 'http://localhost:8080'
api = {name: proxy + urlsplit(url).path for name, url in ccxt.binance().urls['api'].items() if isinstance(url, str)}
api['dapiData'] = proxy + '/coinm/futures/data'

exchange = ccxt.binance({'apiKey': 'ISSUED_KEY', 'secret': 'ISSUED_SECRET', 'timeout': 20000, 'urls': {'api': api}})`,
    },
  ],
  [
    'binance-spot',
    {
      language: 'js',
      lines: `import { Spot } from '@binance/spot';

const configurationRestAPI = {
  apiKey: 'ISSUED_KEY',
  apiSecret: 'ISSUED_SECRET',
  basePath: 'http://localhost:8080',
  timeout: 20_000,
};
const { restAPI } = new Spot({ configurationRestAPI });`,
    },
  ],
  [
    'binance',
    {
      language: 'js',
      lines: `import { MainClient, USDMClient } from 'binance';

const options = { api_key: 'ISSUED_KEY', api_secret: 'ISSUED_SECRET', baseUrl: 'http://localhost:8080' };
const main = new MainClient(options);
const usdm = new USDMClient(options);`,
    },
  ],
  [
    'python-binance',
    {
      language: 'python',
      lines: `from binance import Client

proxy = 'http://localhost:8080'
Client.API_URL = proxy + '/api'
Client.MARGIN_API_URL = proxy + '/sapi'
Client.FUTURES_URL = proxy + '/fapi'
Client.FUTURES_DATA_URL = proxy + '/futures/data'
Client.FUTURES_COIN_URL = proxy + '/dapi'
Client.FUTURES_COIN_DATA_URL = proxy + '/coinm/futures/data'
Client.OPTIONS_URL = proxy + '/eapi'
Client.PAPI_URL = proxy + '/papi'

client = Client('ISSUED_KEY', 'ISSUED_SECRET', requests_params={'timeout': 20})`,
    },
  ],
  [
    'go-binance',
    {
      language: 'go',
      lines: `client := binance.NewClient("ISSUED_KEY", "ISSUED_SECRET")
client.BaseURL = "http://localhost:8080"

usdm := futures.NewClient("ISSUED_KEY", "ISSUED_SECRET")
usdm.BaseURL = "http://localhost:8080"`,
    },
  ],
]);

/** The lines of a library with the values of one app in them. */
export function linesFor(
  { lines }: LibraryLines,
  { url, key, secret }: Readonly<Record<keyof typeof PLACEHOLDERS, string>>,
): string {
  return lines
    .replaceAll(PLACEHOLDERS.url, url)
    .replaceAll(PLACEHOLDERS.key, key)
    .replaceAll(PLACEHOLDERS.secret, secret);
}
