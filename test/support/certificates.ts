import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  key: string;
  cert: string;
}

/** A certificate authority of the test's own, made with the openssl of the machine. */
export interface Authority {
  /** Its own certificate, in PEM. */
  ca: string;
  /** `names` as openssl writes them: `DNS:hooks.example.com`, `IP:127.0.0.1`. */
  issue(names: string[], options?: { expired?: boolean }): Promise<Certificate>;
  /** A certificate that nobody but itself vouches for. */
  selfSigned(names: string[]): Promise<Certificate>;
  remove(): Promise<void>;
}

const run = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const CONFIG = `
[ca]
default_ca = authority
[authority]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;

export async function createAuthority(): Promise<Authority> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'posthaste-ca-'));
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const read = (file: string) => readFile(path.join(folder, file), 'utf8');
  const write = (file: string, text: string) => writeFile(path.join(folder, file), text);
  let count = 0;

  await openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=Test CA',
  );
  await write('ca.cnf', CONFIG);
  await write('index.txt', '');

  return {
    ca: await read('ca.pem'),
    issue: async (names, { expired = false } = {}) => {
      const name = `leaf${++count}`;
      await openssl('req', '-new', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=leaf');
      await write(`${name}.ext`, `subjectAltName=${names.join(',')}\nbasicConstraints=critical,CA:FALSE\n`);
      const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`];
      const until = expired ? '20210101000000Z' : '20991231235959Z';
      const dates = ['-startdate', '20200101000000Z', '-enddate', until];
      const authority = ['-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key'];
      await openssl('ca', '-batch', '-notext', ...authority, ...dates, ...files);
      return { key: await read(`${name}.key`), cert: await read(`${name}.pem`) };
    },
    selfSigned: async (names) => {
      const name = `self${++count}`;
      const subject = ['-subj', '/CN=self', '-addext', `subjectAltName=${names.join(',')}`];
      await openssl(
        'req',
        '-x509',
        ...NEW_KEY,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
        '-days',
        '2',
        ...subject,
      );
      return { key: await read(`${name}.key`), cert: await read(`${name}.pem`) };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
