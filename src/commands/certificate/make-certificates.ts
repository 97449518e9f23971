import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  NameConstraints,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { DAY_MS, MINUTE_MS } from '../../core/intervals.ts';

/** PEM texts of a certificate and of its private key. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

const ECDSA_WITH_SHA256 = new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' });
const COMMON_NAME = '2.5.4.3';
const VALID_DAYS = 365;
/** The clock of an app may be behind the one of this machine. */
const VALID_BEFORE_MS = 5 * MINUTE_MS;
const EVERY_ADDRESS = ['0.0.0.0/0', '::/0'];

/**
 * Makes a local authority and one certificate for these names, each with a new P-256 key and valid for a year. The
 * authority is bound to the names: nobody who trusts it takes a certificate for any other name, or for an address, from it.
 */
export function makeCertificates(
  names: readonly string[],
  nowMs: number,
): { readonly authority: IssuedCertificate; readonly leaf: IssuedCertificate } {
  const validity = new Validity({
    notBefore: new Date(nowMs - VALID_BEFORE_MS),
    notAfter: new Date(nowMs + VALID_DAYS * DAY_MS),
  });
  const authorityKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Two authorities of the same name would be mistaken for each other.
  const authorityName = nameOf(`binance-signing-proxy ${randomBytes(4).toString('hex')}`);
  const issue = (subject: Name, publicKey: KeyObject, extensions: readonly Extension[]) =>
    pemOf(authorityName, authorityKey.privateKey, { subject, publicKey, extensions, validity });
  const authorityId = keyIdOf(authorityKey.publicKey);
  const authorityCert = issue(authorityName, authorityKey.publicKey, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign), true),
    extension(
      id_ce_nameConstraints,
      new NameConstraints({
        permittedSubtrees: subtrees(names.map((dNSName) => new GeneralName({ dNSName }))),
        excludedSubtrees: subtrees(EVERY_ADDRESS.map((iPAddress) => new GeneralName({ iPAddress }))),
      }),
      true,
    ),
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(authorityId)),
  ]);
  const leafCert = issue(nameOf('binance-signing-proxy by name'), leafKey.publicKey, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
    extension(
      id_ce_subjectAltName,
      new SubjectAlternativeName(names.map((dNSName) => new GeneralName({ dNSName }))),
    ),
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdOf(leafKey.publicKey))),
    extension(
      id_ce_authorityKeyIdentifier,
      new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(authorityId) }),
    ),
  ]);
  return {
    authority: { cert: authorityCert, key: keyPem(authorityKey.privateKey) },
    leaf: { cert: leafCert, key: keyPem(leafKey.privateKey) },
  };
}

interface Subject {
  readonly subject: Name;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Extension[];
  readonly validity: Validity;
}

function pemOf(issuer: Name, issuerKey: KeyObject, { publicKey, extensions, ...subject }: Subject): string {
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: ECDSA_WITH_SHA256,
    issuer,
    ...subject,
    subjectPublicKeyInfo: AsnConvert.parse(spkiOf(publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions([...extensions]),
  });
  const signatureValue = bytesOf(
    sign('sha256', new Uint8Array(AsnConvert.serialize(tbsCertificate)), issuerKey),
  );
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: ECDSA_WITH_SHA256,
    signatureValue,
  });
  const lines =
    Buffer.from(AsnConvert.serialize(certificate))
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function subtrees(names: readonly GeneralName[]): GeneralSubtrees {
  return new GeneralSubtrees(names.map((base) => new GeneralSubtree({ base })));
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

/** A positive number of 16 bytes without leading zeros. */
function serialNumber(): ArrayBuffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytesOf(bytes);
}

/** @see https://www.rfc-editor.org/rfc/rfc7093 */
function keyIdOf(publicKey: KeyObject): ArrayBuffer {
  const { subjectPublicKey } = AsnConvert.parse(spkiOf(publicKey), SubjectPublicKeyInfo);
  return bytesOf(createHash('sha256').update(new Uint8Array(subjectPublicKey)).digest().subarray(0, 20));
}

function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

function keyPem(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function bytesOf(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}
