import { Injectable } from '@nestjs/common';
import { ConnectionClients } from '../connections/connection-clients.js';
import type { GmailClient } from '../connections/gmail-client.js';
import type { ReadMail } from '../connections/gmail-messages.js';
import { Clock } from '../core/clock.js';
import { personContent, splitName } from '../core/person-content.js';
import { ConversationRecorder } from '../crm/conversation-recorder.js';
import { CrmWriter } from '../crm/crm-writer.js';
import type { ClaimedTask } from './automation-task.store.js';
import { ContactImporter } from './contact-importer.js';
import { ReconciliationStore } from './reconciliation.store.js';
import { originOf } from './task-origin.js';
import type { TaskOutcome, TaskPerformer } from './task-performer.js';

/** Where nothing was read yet, a little before the push: the history holds more than messages. */
const FIRST_LOOK_BACK = 100n;
const MAX_TEXT = 10_000;
const LEFT_OUT = new Set(['DRAFT', 'SPAM', 'TRASH']);

/** Reads what came to a mailbox since it was last read: each mail becomes a message of a conversation, and is told once. */
@Injectable()
export class MailReader implements TaskPerformer {
  readonly kinds = ['gmail.read'];

  constructor(
    private readonly clients: ConnectionClients,
    private readonly positions: ReconciliationStore,
    private readonly contacts: ContactImporter,
    private readonly recorder: ConversationRecorder,
    private readonly writer: CrmWriter,
    private readonly clock: Clock,
  ) {}

  async perform(task: ClaimedTask): Promise<TaskOutcome> {
    const { tenantId } = task;
    const { mailbox, historyId } = task.payload as { mailbox: string; historyId: string };
    const connected = await this.clients.find(tenantId, 'gmail');
    if (!connected) return { kind: 'skipped', why: 'There is no enabled connection to Gmail any more.' };
    const { client, connection } = connected;
    const before = await this.positions.findPosition(tenantId, connection.id);
    const since = before ?? lookBack(historyId);
    if (BigInt(since) >= BigInt(historyId)) return { kind: 'skipped', why: 'The mailbox has been read up to here.' };
    const history = await client.listHistory(since);
    const read: string[] = [];
    for (const id of history?.messageIds ?? []) if (await this.read(task, client, mailbox, id)) read.push(id);
    await this.positions.recordPosition(tenantId, connection.id, history?.historyId ?? historyId, this.clock.now());
    // Gmail keeps its history for about a week.
    const gap = history === null ? { gap: `Gmail no longer knows what came between ${since} and ${historyId}.` } : {};
    return { kind: 'done', did: { mailbox, messages: read, ...gap } };
  }

  private async read(task: ClaimedTask, client: GmailClient, mailbox: string, id: string): Promise<boolean> {
    const mail = await client.getMessage(id);
    if (!mail || mail.labels.some((label) => LEFT_OUT.has(label))) return false;
    const { tenantId } = task;
    const sent = mail.labels.includes('SENT');
    const party = addressIn(sent ? mail.to : mail.from);
    return this.writer.write(tenantId, originOf(task, 'gmail'), async (write) => {
      const person = personContent({ ...splitName(party.name), email: party.address });
      const contact = party.address
        ? (await this.contacts.match(write, tenantId, person, { source: 'gmail' })).contact
        : null;
      const { conversation } = await this.recorder.upsert(write, tenantId, `gmail:${mail.threadId}`, {
        channel: 'email',
        party: party.address,
        ...(mail.subject && { title: mail.subject.slice(0, 200) }),
        ...(contact && { contactId: contact.id }),
      });
      const { created } = await this.recorder.record(write, tenantId, conversation.id, {
        direction: sent ? 'sent' : 'received',
        text: mail.text?.slice(0, MAX_TEXT) ?? null,
        externalId: `gmail:${mail.id}`,
        sentAt: mail.receivedAt,
        metadata: metadataOf(mail, mailbox),
      });
      return created;
    });
  }
}

function metadataOf(mail: ReadMail, mailbox: string): Record<string, unknown> {
  const { subject, from, to, messageId } = mail;
  return { accountId: mailbox, subject, from: addressIn(from).address, to: addressIn(to).address, messageId };
}

/** `"Ana Souza" <ana@example.com>, …`: the first of them. */
function addressIn(header: string): { name: string | null; address: string | null } {
  const [, quoted, bare, inBrackets] = /^\s*(?:"([^"]*)"|([^<,]*?))\s*<([^>]+)>/.exec(header) ?? [];
  const address = (inBrackets ?? header.split(',')[0] ?? '').trim().toLowerCase();
  return { name: (quoted ?? bare)?.trim() || null, address: /^[^\s@]+@[^\s@]+$/.test(address) ? address : null };
}

function lookBack(historyId: string): string {
  const first = BigInt(historyId) - FIRST_LOOK_BACK;
  return String(first > 1n ? first : 1n);
}
