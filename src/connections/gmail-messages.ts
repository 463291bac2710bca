import { randomBytes } from 'node:crypto';

/** A message as it is read: the text of its first text part, else its HTML without tags. */
export interface ReadMail {
  id: string;
  threadId: string;
  /** The message's own `Message-ID`. */
  messageId: string | null;
  from: string;
  to: string;
  subject: string | null;
  text: string | null;
  receivedAt: Date;
  /** Names in lower case; of a repeated one, the first. */
  headers: Record<string, string>;
  /** `INBOX`, `SENT` …: what we sent ourselves is among what "came". */
  labels: string[];
}

export interface OutgoingMail {
  to: string;
  subject: string;
  text: string;
  html?: string;
  /** `Name <address>`, of the mailbox or one of its aliases; default: the mailbox. */
  from?: string;
  replyTo?: string;
  /** The `Message-ID` this answers; with Gmail's `threadId` it joins that conversation. */
  inReplyTo?: string;
  threadId?: string;
}

interface Part {
  mimeType?: string;
  headers?: { name: string; value: string }[];
  body?: { data?: string };
  parts?: Part[];
}

/** @param message of `users.messages.get?format=full` */
export function readMail(message: {
  id: string;
  threadId: string;
  internalDate?: string;
  labelIds?: string[];
  payload?: Part;
}): ReadMail {
  const headers: Record<string, string> = {};
  for (const { name, value } of message.payload?.headers ?? []) headers[name.toLowerCase()] ??= value;
  const plain = textOf(message.payload, 'text/plain');
  return {
    id: message.id,
    threadId: message.threadId,
    messageId: headers['message-id'] ?? null,
    from: headers.from ?? '',
    to: headers.to ?? '',
    subject: headers.subject ?? null,
    text: plain ?? withoutTags(textOf(message.payload, 'text/html')),
    receivedAt: new Date(Number(message.internalDate ?? 0)),
    headers,
    labels: message.labelIds ?? [],
  };
}

/** The message as RFC 5322 and MIME have it. A line break in a header would begin another header: there are none. */
export function mailText(mail: OutgoingMail): string {
  const headers = [
    mail.from && `From: ${encodedAddress(mail.from)}`,
    `To: ${encodedAddress(mail.to)}`,
    mail.replyTo && `Reply-To: ${encodedAddress(mail.replyTo)}`,
    `Subject: ${encodedWords(mail.subject)}`,
    mail.inReplyTo && `In-Reply-To: ${oneLine(mail.inReplyTo)}`,
    mail.inReplyTo && `References: ${oneLine(mail.inReplyTo)}`,
    'MIME-Version: 1.0',
  ].filter(Boolean);
  if (mail.html === undefined) return [...headers, ...textPart('plain', mail.text)].join('\r\n');
  const boundary = `part-${randomBytes(12).toString('hex')}`;
  return [
    ...headers,
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    ...textPart('plain', mail.text),
    `--${boundary}`,
    ...textPart('html', mail.html),
    `--${boundary}--`,
    '',
  ].join('\r\n');
}

function textPart(kind: 'plain' | 'html', text: string): string[] {
  const lines =
    Buffer.from(text, 'utf8')
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  return [`Content-Type: text/${kind}; charset=utf-8`, 'Content-Transfer-Encoding: base64', '', ...lines];
}

function textOf(part: Part | undefined, mimeType: string): string | null {
  if (!part) return null;
  if (part.mimeType === mimeType && part.body?.data !== undefined)
    return Buffer.from(part.body.data, 'base64url').toString('utf8');
  for (const inner of part.parts ?? []) {
    const text = textOf(inner, mimeType);
    if (text !== null) return text;
  }
  return null;
}

function withoutTags(html: string | null): string | null {
  if (html === null) return null;
  const spaced = html
    .replace(/<(style|script)\b[^>]*>[^<]*<\/\1>/gi, '')
    .replace(/<(br|\/p|\/div|\/tr)\b[^>]*>/gi, '\n');
  const bare = spaced
    .replace(/<[^>]*>/g, '')
    .replace(/&(nbsp|amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '');
  return bare
    .replace(/[ \t]+/g, ' ')
    .replace(/\n\s*\n\s*/g, '\n\n')
    .trim();
}

const ENTITIES: Record<string, string> = { nbsp: ' ', amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' ').trim();

/** RFC 2047, in pieces of at most 75 characters that end between characters. */
function encodedWords(text: string): string {
  const line = oneLine(text);
  if (/^[\x20-\x7e]*$/.test(line)) return line;
  const pieces: string[] = [];
  let piece = '';
  for (const character of line) {
    if (Buffer.byteLength(piece + character) > 45) {
      pieces.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...pieces, piece].map((one) => `=?utf-8?B?${Buffer.from(one).toString('base64')}?=`).join('\r\n ');
}

/** `Name <address>`: only the name is encoded. */
function encodedAddress(address: string): string {
  const [, name, bare] = /^\s*"?([^"<]*?)"?\s*(<[^<>]+>)\s*$/.exec(oneLine(address)) ?? [];
  return name && bare ? `${encodedWords(name)} ${bare}` : oneLine(address);
}
