import { TEST_KEY, TEST_SECRET } from './servers/proxy.ts';

export const SECRET = 'SIGNINGsecretOFtheWEBHOOKsigningSECRETofTHEwebhook12';
export const TOKEN = '123456:TELEGRAMtokenTELEGRAMtokenTELEGRAM';
const TOPIC = 'ntfyTOPICntfyTOPIC';
const PATH = '/services/T00000000/B00000000/SLACKsecretSLACKsecret24';
export const NTFY_TOKEN = 'tk_NTFYtokenNTFYtokenNTFYtoken1';
/** What stands in no notice and in no record. */
export const SECRETS = [SECRET, TOKEN, TOPIC, PATH, NTFY_TOKEN, TEST_KEY, TEST_SECRET];
/** One target of each kind. */
export const ALL_KINDS = `
notices:
  - { name: hook, kind: webhook, envPrefix: HOOK }
  - { name: phone, kind: ntfy, envPrefix: PHONE }
  - { name: chat, kind: telegram, envPrefix: CHAT }
  - { name: team, kind: slack, envPrefix: TEAM }
`;

/** The environment in which all of them are at this address. */
export function allAt(url: string): Readonly<Record<string, string>> {
  return {
    HOOK_URL: `${url}/hook`,
    HOOK_SECRET: SECRET,
    PHONE_URL: `${url}/${TOPIC}`,
    PHONE_TOKEN: NTFY_TOKEN,
    CHAT_URL: `${url}/bot${TOKEN}/sendMessage`,
    CHAT_CHAT_ID: '-1001234',
    TEAM_URL: `${url}${PATH}`,
  };
}
