import type { Encoding, HashName } from './digests.js';
import { GENERIC_IDENTITY, identifyGenerically } from './generic-identity.js';
import { checkHmac } from './hmac-schemes.js';
import { type Check, type Provider, USUAL } from './provider.js';
import { headerOnce } from './request.js';
import { type SettingSpec, type Settings, TOLERANCE_300_S } from './settings.js';
import { checkTimestamp, type TimestampUnit } from './timestamp.js';
import { type Match, type Refusal, refuse } from './verdict.js';

const SETTINGS: SettingSpec[] = [
  { name: 'header', kind: 'header', default: 'X-Webhook-Signature', about: 'The header that carries the signature.' },
  {
    name: 'algorithm',
    kind: 'choice',
    choices: ['sha256', 'sha1', 'sha512'],
    default: 'sha256',
    about: 'The hash of the HMAC.',
  },
  { name: 'encoding', kind: 'choice', choices: ['hex', 'base64'], default: 'hex', about: 'How the digest is written.' },
  { name: 'prefix', kind: 'text', default: '', about: 'Fixed text before the digest, for instance "sha256=".' },
  {
    name: 'signedPayload',
    kind: 'text',
    default: '{body}',
    about:
      'The text that is signed: {body} and, where the sender signs a time, {timestamp}, for instance "{timestamp}.{body}".',
  },
  { name: 'timestampHeader', kind: 'header', about: 'The header with the time that is signed.' },
  { name: 'timestampUnit', kind: 'choice', choices: ['s', 'ms'], default: 's', about: 'The unit of that time.' },
  TOLERANCE_300_S,
  ...GENERIC_IDENTITY,
];

/** HMAC over the body, or over the body and a time, written as the settings say (provider sheet §1, "Generic HMAC"). */
export const genericHmac: Provider = {
  ...USUAL,
  title: 'Generic HMAC',
  methods: ['POST', 'PUT', 'PATCH'],
  secret: { kind: 'hmac-key', madeBy: 'you', about: 'The secret the sender signs with, as text.' },
  settings: SETTINGS,

  verify(check) {
    const { settings, request, now } = check;
    const [problem] = templateProblems(settings);
    if (problem) return refuse('settings_unusable', problem.detail);
    const timestampHeader = settings.text('timestampHeader');
    if (!timestampHeader) return checkTemplate(check, '');
    const timestamp = headerOnce(request, timestampHeader);
    if (typeof timestamp !== 'string') return timestamp;
    const unit = settings.text('timestampUnit') as TimestampUnit;
    return (
      checkTimestamp(timestamp, unit, settings.seconds('toleranceSeconds'), now) ?? checkTemplate(check, timestamp)
    );
  },

  identify: identifyGenerically,
  settingProblems: templateProblems,
};

function checkTemplate(check: Check, timestamp: string): Match | Refusal {
  const { settings, request } = check;
  const parts = settings
    .text('signedPayload')!
    .split(/(\{body\}|\{timestamp\})/)
    .map((part) => (part === '{body}' ? request.rawBody : part === '{timestamp}' ? timestamp : part));
  const form = {
    header: settings.text('header')!.toLowerCase(),
    hash: settings.text('algorithm') as HashName,
    encoding: settings.text('encoding') as Encoding,
    prefix: settings.text('prefix') ?? '',
  };
  return checkHmac(check, form, ...parts);
}

// A template that leaves out the body, or a time that is checked but not signed, would look safe and protect nothing.
function templateProblems(settings: Settings) {
  const template = settings.text('signedPayload') ?? '';
  const signsTime = template.includes('{timestamp}');
  const problems: { pointer: string; detail: string }[] = [];
  if (!template.includes('{body}')) {
    problems.push({
      pointer: '/signedPayload',
      detail: 'The setting signedPayload must hold {body}: otherwise the body is not signed.',
    });
  }
  if (signsTime && !settings.text('timestampHeader')) {
    problems.push({
      pointer: '/timestampHeader',
      detail: 'The setting signedPayload holds {timestamp}: say in timestampHeader which header it comes from.',
    });
  }
  if (!signsTime && settings.text('timestampHeader')) {
    problems.push({
      pointer: '/signedPayload',
      detail:
        'The setting timestampHeader is given: signedPayload must hold {timestamp}, otherwise the time is not signed.',
    });
  }
  return problems;
}
