/** The certificates of a test control plane: a CA, a second CA for the front proxy, and what they sign (EC P-256). */
import "reflect-metadata"; // x509 needs it first
import { randomBytes } from "node:crypto";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const lifetimeMs = 7 * 24 * 3600 * 1000;
// Clocks in virtual machines jump; a certificate from the future would be refused.
const backdateMs = 3600 * 1000;

export interface KeyPair {
  certificate: string;
  key: string;
}

export interface Authority {
  /** The CA certificate, PEM. */
  certificate: string;
  client(commonName: string, organizations?: string[]): Promise<KeyPair>;
  server(commonName: string, dnsNames: string[], ipAddresses: string[]): Promise<KeyPair>;
}

export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...common([{ CN: [commonName] }]),
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });

  async function sign(
    name: x509.JsonName,
    usage: x509.ExtendedKeyUsage,
    extensions: x509.Extension[] = [],
  ): Promise<KeyPair> {
    const leafKeys = await newKeys();
    const { subject, ...rest } = common(name);
    const certificate = await x509.X509CertificateGenerator.create({
      ...rest,
      subject,
      issuer: ca.subjectName,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ...extensions,
      ],
    });
    return { certificate: pem(certificate), key: await privateKeyPem(leafKeys.privateKey) };
  }

  return {
    certificate: pem(ca),
    client: (name, organizations = []) =>
      sign([{ CN: [name] }, ...organizations.map((o) => ({ O: [o] }))], x509.ExtendedKeyUsage.clientAuth),
    server: (name, dnsNames, ipAddresses) =>
      sign([{ CN: [name] }], x509.ExtendedKeyUsage.serverAuth, [
        new x509.SubjectAlternativeNameExtension([
          ...dnsNames.map((value) => ({ type: "dns" as const, value })),
          ...ipAddresses.map((value) => ({ type: "ip" as const, value })),
        ]),
      ]),
  };
}

/** A key pair for signing service account tokens. */
export async function signingKey(): Promise<{ publicKey: string; privateKey: string }> {
  const keys = await newKeys();
  const spki = await crypto.subtle.exportKey("spki", keys.publicKey);
  return {
    publicKey: x509.PemConverter.encode(spki, "PUBLIC KEY"),
    privateKey: await privateKeyPem(keys.privateKey),
  };
}

function common(name: x509.JsonName) {
  return {
    serialNumber: `00${randomBytes(15).toString("hex")}`, // the leading zero keeps it positive
    subject: name,
    notBefore: new Date(Date.now() - backdateMs),
    notAfter: new Date(Date.now() + lifetimeMs),
    signingAlgorithm: algorithm,
  };
}

function newKeys() {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}
