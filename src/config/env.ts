import { isIP } from 'node:net';
import path from 'node:path';
import { bool, cleanEnv, makeExactValidator, num, str } from 'envalid';

/** `a,b` → the entries, each checked. */
const list = <T extends string>(check: (entry: string) => entry is T, expected: string) =>
  makeExactValidator((input) => {
    const entries = input.split(',').map((entry) => entry.trim());
    const bad = entries.find((entry) => !check(entry));
    if (bad !== undefined) throw new TypeError(`"${bad}" is not ${expected}`);
    return entries as T[];
  });

const whole = (min: number, max: number) =>
  makeExactValidator((input) => {
    const value = Number(input);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new TypeError(`"${input}" is not a whole number from ${min} to ${max}`);
    }
    return value;
  });

const url = (...protocols: string[]) =>
  makeExactValidator((input) => {
    const parsed = URL.canParse(input) ? new URL(input) : null;
    if (!parsed || !protocols.includes(parsed.protocol)) {
      throw new TypeError(`not a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    }
    return input.replace(/\/+$/, '');
  });

// BullMQ sets `options=-c search_path=…` itself; the one in the URL would win and its functions would not be found.
const databaseUrl = makeExactValidator((input) => {
  const value = url('postgres:', 'postgresql:')({})._parse(input);
  if (new URL(value).searchParams.has('options')) throw new TypeError('must not have an "options" parameter');
  return value;
});

const masterKey = makeExactValidator((input) => {
  const bytes: Buffer = Buffer.from(input, 'base64');
  if (bytes.length !== 32) throw new TypeError('not 32 bytes in base64: make one with `openssl rand -base64 32`');
  return bytes;
});

const bootstrapKey = makeExactValidator((input) => {
  if (!/^phk_[a-z0-9]{8,32}_[A-Za-z0-9]{32,}$/.test(input)) {
    throw new TypeError('not of the form phk_<8–32 of a-z0-9>_<at least 32 of A-Za-z0-9>');
  }
  return input;
});

export type ProcessRole = 'api' | 'worker';
const isRole = (entry: string): entry is ProcessRole => entry === 'api' || entry === 'worker';
const isPort = (entry: string): entry is string => /^[1-9]\d{0,4}$/.test(entry) && Number(entry) <= 65535;
const isCidr = (entry: string): entry is string => {
  const [address = '', bits = '', more] = entry.split('/');
  const max = isIP(address) === 4 ? 32 : 128;
  return isIP(address) > 0 && more === undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= max;
};

/** Every setting of a process, once: `.env.example` and docs/configuration.md are written from it. */
export const ENVIRONMENT = {
  PORT: whole(0, 65535)({ default: 8001, desc: 'Port of the API, the docs and the dashboard. 0 takes a free one.' }),
  HOST: str({ default: '0.0.0.0', desc: 'Address to listen on.' }),
  PUBLIC_URL: url(
    'http:',
    'https:',
  )({
    default: undefined,
    desc: 'How the outside reaches this server; shown in links and source URLs. Default: http://localhost:<PORT>.',
    example: 'https://hooks.example.com',
  }),
  NODE_ENV: str({
    choices: ['development', 'test', 'production'],
    default: 'development',
    desc: 'production refuses to start without MASTER_KEY and blocks all private delivery targets.',
  }),
  ROLES: list(
    isRole,
    'one of api, worker',
  )({
    default: ['api', 'worker'],
    desc: 'What this process does: answer requests (api), deliver and process (worker), or both.',
  }),
  WORKERS: whole(
    0,
    64,
  )({
    default: 0,
    desc: 'So many worker processes on this machine, started and watched by this one, which then answers requests only.',
  }),
  DATABASE_URL: databaseUrl({
    default: undefined,
    desc: 'A Postgres ≥ 15 to use instead of the embedded one.',
    example: 'postgres://user:password@db:5432/posthaste',
  }),
  DATABASE_POOL_SIZE: whole(
    2,
    200,
  )({ default: 10, desc: 'Connections of the hot path; background work has a few more of its own.' }),
  REDIS_URL: url(
    'redis:',
    'rediss:',
  )({
    default: undefined,
    desc: 'A Redis ≥ 6.2 for the queue. Without it the queue lives in Postgres.',
    example: 'redis://redis:6379',
  }),
  DATA_DIR: str({ default: '.posthaste', desc: 'Where the embedded Postgres and the generated master key live.' }),
  MASTER_KEY: masterKey({
    default: undefined,
    desc: 'Encrypts secrets at rest: 32 bytes in base64. Made and kept in DATA_DIR when absent, except in production.',
    example: 'the output of: openssl rand -base64 32',
  }),
  BOOTSTRAP_TENANT: str({ default: 'default', desc: 'Slug of the tenant made on the first start.' }),
  BOOTSTRAP_EMAIL: str({ default: 'owner@example.com', desc: 'E-mail of its owner.' }),
  BOOTSTRAP_PASSWORD: str({
    default: undefined,
    desc: 'Password of its owner. Generated and printed once when absent.',
  }),
  BOOTSTRAP_API_KEY: bootstrapKey({
    default: undefined,
    desc: 'An API key of that tenant, installed with all scopes. Generated and printed once when absent.',
    example: 'phk_<8–32 of a-z0-9>_<at least 32 of A-Za-z0-9>',
  }),
  PLATFORM_TOKEN: str({
    default: undefined,
    desc: 'Bearer token of /api/v1/platform/*. Without it those routes answer 401.',
    example: 'the output of: openssl rand -hex 32',
  }),
  METRICS_TOKEN: str({
    default: undefined,
    desc: 'Bearer token of /metrics. Without it the metrics are shown to callers on the same machine only.',
    example: 'the output of: openssl rand -hex 32',
  }),
  ALLOW_PRIVATE_TARGETS: list(
    isCidr,
    'a CIDR such as 10.0.0.0/8',
  )({
    default: undefined,
    desc: 'Private networks deliveries may go to. Default: loopback (127.0.0.0/8,::1/128), and none in production.',
    example: '10.1.0.0/16,192.168.7.0/24',
  }),
  ALLOW_TARGET_PORTS: list(
    isPort,
    'a port number',
  )({
    default: [],
    desc: 'Ports deliveries may go to although another kind of service usually has them (22, 25, 5432, 6379 …).',
    example: '9200',
  }),
  DELIVERY_PROXY_URL: url(
    'http:',
    'https:',
  )({
    default: undefined,
    desc: 'A forward proxy for all deliveries. It is asked to CONNECT to the address that was checked; its own may be private.',
    example: 'http://user:password@proxy:3128',
  }),
  TRUST_PROXY: bool({
    default: false,
    desc: 'Take the client address from X-Forwarded-For: only behind a proxy that sets it.',
  }),
  BODY_LIMIT_BYTES: whole(1024, 64 * 1024 * 1024)({ default: 1024 * 1024, desc: 'Largest accepted request body.' }),
  INBOUND_BODY_LIMIT_BYTES: whole(
    1024,
    64 * 1024 * 1024,
  )({ default: 5 * 1024 * 1024, desc: 'Largest body a provider may send to a source: some put media inside.' }),
  IMPORT_LIMIT_BYTES: whole(
    1024,
    4 * 1024 * 1024 * 1024,
  )({ default: 100 * 1024 * 1024, desc: 'Largest file of contacts that may be imported at once.' }),
  GOOGLE_CERTS_URL: url(
    'http:',
    'https:',
  )({
    default: 'https://www.googleapis.com/oauth2/v3/certs',
    desc: 'Where the keys are published that sign the tokens of Gmail and Google Pub/Sub.',
  }),
  CONNECTION_TIMEOUT_MS: whole(
    100,
    60_000,
  )({ default: 15_000, desc: "How long a provider's API may take to answer one request of a connection." }),
  SESSION_HOURS: num({ default: 24 * 7, desc: 'A login ends after so many hours.' }),
  DELIVERY_TIMEOUT_MS: whole(
    1000,
    60_000,
  )({ default: 10_000, desc: 'How long a receiver may take, unless tenant or subscription say otherwise.' }),
  DELIVERY_IN_FLIGHT: whole(
    1,
    10_000,
  )({ default: 256, desc: 'Requests a worker has open at once; two thirds of them at most to one subscription.' }),
  DELIVERY_IN_FLIGHT_PER_SUBSCRIPTION: whole(
    1,
    1000,
  )({ default: 128, desc: 'Of these, at most so many to one subscription.' }),
  DELIVERY_HELD: whole(64, 1_000_000)({ default: 4096, desc: 'Deliveries a worker holds in memory at once.' }),
  DELIVERY_LEASE_S: whole(
    1,
    3600,
  )({ default: 60, desc: 'A delivery whose worker died comes back after so many seconds.' }),
  RELAY_INTERVAL_MS: whole(10, 60_000)({ default: 500, desc: 'How often a worker looks for due deliveries.' }),
  EXPORTS_AT_ONCE: whole(
    1,
    100,
  )({ default: 4, desc: 'Exports a process streams at once, each with a database connection of its own.' }),
  EXPORT_KEPT_HOURS: whole(1, 24 * 366)({ default: 24 * 7, desc: "How long an export's file can be downloaded." }),
  SHUTDOWN_GRACE_S: whole(
    0,
    600,
  )({ default: 15, desc: 'On SIGTERM, how long requests under way may take before they are given back.' }),
  LOG_LEVEL: str({
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    desc: 'How much is logged.',
  }),
  LOG_FORMAT: str({
    choices: ['auto', 'json', 'pretty'],
    default: 'auto',
    desc: 'auto: pretty on a terminal, JSON lines elsewhere.',
  }),
};

/** The environment is wrong: `problems` names every variable and what is the matter with it. */
export class ConfigError extends Error {
  constructor(readonly problems: { variable: string; problem: string }[]) {
    super(
      `The environment has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n${problems.map(({ variable, problem }) => `  ${variable}: ${problem}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

function tree(env: ReturnType<typeof parse>, version: string) {
  const production = env.NODE_ENV === 'production';
  return {
    version,
    production,
    roles: env.WORKERS > 0 ? env.ROLES.filter((role) => role !== 'worker') : env.ROLES,
    workers: env.WORKERS,
    dataDir: path.resolve(env.DATA_DIR),
    http: {
      port: env.PORT,
      host: env.HOST,
      publicUrl: env.PUBLIC_URL ?? `http://localhost:${env.PORT}`,
      bodyLimitBytes: env.BODY_LIMIT_BYTES,
      trustProxy: env.TRUST_PROXY,
    },
    inbound: { bodyLimitBytes: env.INBOUND_BODY_LIMIT_BYTES, googleCertsUrl: env.GOOGLE_CERTS_URL },
    connections: { timeoutMs: env.CONNECTION_TIMEOUT_MS },
    imports: { limitBytes: env.IMPORT_LIMIT_BYTES },
    database: { url: env.DATABASE_URL ?? null, poolSize: env.DATABASE_POOL_SIZE },
    queue: { redisUrl: env.REDIS_URL ?? null },
    security: {
      masterKey: env.MASTER_KEY ?? null,
      platformToken: env.PLATFORM_TOKEN ?? null,
      metricsToken: env.METRICS_TOKEN ?? null,
      sessionHours: env.SESSION_HOURS,
    },
    bootstrap: {
      tenant: env.BOOTSTRAP_TENANT,
      email: env.BOOTSTRAP_EMAIL,
      password: env.BOOTSTRAP_PASSWORD ?? null,
      apiKey: env.BOOTSTRAP_API_KEY ?? null,
    },
    delivery: {
      timeoutMs: env.DELIVERY_TIMEOUT_MS,
      inFlight: env.DELIVERY_IN_FLIGHT,
      inFlightPerSubscription: env.DELIVERY_IN_FLIGHT_PER_SUBSCRIPTION,
      held: env.DELIVERY_HELD,
      leaseMs: env.DELIVERY_LEASE_S * 1000,
      relayIntervalMs: env.RELAY_INTERVAL_MS,
      allowedTargets: {
        networks: env.ALLOW_PRIVATE_TARGETS ?? (production ? [] : ['127.0.0.0/8', '::1/128']),
        ports: env.ALLOW_TARGET_PORTS.map(Number),
      },
      proxyUrl: env.DELIVERY_PROXY_URL ?? null,
    },
    export: { atOnce: env.EXPORTS_AT_ONCE, keptMs: env.EXPORT_KEPT_HOURS * 3_600_000 },
    shutdownGraceMs: env.SHUTDOWN_GRACE_S * 1000,
    log: { level: env.LOG_LEVEL, format: env.LOG_FORMAT },
  };
}

function parse(env: NodeJS.ProcessEnv) {
  const problems: ConfigError['problems'] = [];
  const values = cleanEnv(env, ENVIRONMENT, {
    reporter: ({ errors }) => {
      for (const [variable, error] of Object.entries(errors)) {
        if (error) problems.push({ variable, problem: error.message });
      }
    },
  });
  if (env.NODE_ENV === 'production' && !env.MASTER_KEY) {
    problems.push({
      variable: 'MASTER_KEY',
      problem: 'required in production: make one with `openssl rand -base64 32` and keep it safe',
    });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values;
}

/** The typed settings of this process, and the class by which Nest injects them. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor assigns the whole tree
export class Config {
  private constructor(settings: ConfigTree) {
    Object.assign(this, settings);
  }

  /** Throws one ConfigError with all mistakes. `version` is the package's. */
  static load(env: NodeJS.ProcessEnv, version: string): Config {
    return new Config(tree(parse(env), version));
  }
}

type ConfigTree = ReturnType<typeof tree>;
export interface Config extends ConfigTree {}

/** The one place where the process's environment is read. */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}
