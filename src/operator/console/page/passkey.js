import { post } from './ask.js';

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (sign) => sign.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const ALGORITHMS = [-8, -7, -257];

/** Passkeys belong to a name: at another address of the same proxy there are none. */
function assertHere({ origin }) {
  if (location.origin !== origin) throw new Error(`Passkeys work at ${origin} only: open the console there.`);
}

async function ceremony(act) {
  try {
    return await act();
  } catch (error) {
    throw new Error(error.name === 'NotAllowedError' ? 'The passkey was not used.' : error.message);
  }
}

/** Makes a new passkey of this operator. */
export async function enrol() {
  const asked = await post('/operator/passkeys/challenge', {});
  assertHere(asked);
  const made = await ceremony(() =>
    navigator.credentials.create({
      publicKey: {
        challenge: bytesOf(asked.challenge),
        rp: { id: asked.rpId, name: 'Signing proxy' },
        user: { id: crypto.getRandomValues(new Uint8Array(16)), name: 'operator', displayName: 'Operator' },
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
        excludeCredentials: asked.credentialIds.map((id) => ({ type: 'public-key', id: bytesOf(id) })),
        authenticatorSelection: { userVerification: 'required', residentKey: 'preferred' },
        attestation: 'none',
      },
    }),
  );
  const { response } = made;
  await post('/operator/passkeys', {
    nonce: asked.nonce,
    credentialId: textOf(made.rawId),
    publicKey: textOf(response.getPublicKey()),
    algorithm: response.getPublicKeyAlgorithm(),
    clientDataJSON: textOf(response.clientDataJSON),
    authenticatorData: textOf(response.getAuthenticatorData()),
  });
}

/** Has a passkey sign one decision about one approval. */
export async function signed(approval, decision) {
  const asked = await post('/operator/passkeys/challenge', { approval, decision });
  assertHere(asked);
  const { rawId, response } = await ceremony(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: bytesOf(asked.challenge),
        rpId: asked.rpId,
        allowCredentials: asked.credentialIds.map((id) => ({ type: 'public-key', id: bytesOf(id) })),
        userVerification: 'required',
      },
    }),
  );
  return {
    nonce: asked.nonce,
    credentialId: textOf(rawId),
    clientDataJSON: textOf(response.clientDataJSON),
    authenticatorData: textOf(response.authenticatorData),
    signature: textOf(response.signature),
  };
}
