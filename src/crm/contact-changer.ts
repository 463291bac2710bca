import { Injectable } from '@nestjs/common';
import { AppError, notFound } from '../core/errors.js';
import { isUniqueViolation, type Transaction } from '../database/prisma.service.js';
import { type Contact, type ContactRow, ContactStore, type NewConsent } from './contact.store.js';
import { type ContactKeys, type ContactPatch, OPT_IN, PLAIN_FIELDS, PLATFORMS } from './contact-patch.js';
import type { Write } from './crm-writer.js';
import { CustomFieldTyper } from './custom-field-typer.js';
import type { AppliedTag, Changes, CustomFieldChange, FullContact } from './domain-change.js';
import { TagStore } from './tag.store.js';

export interface ContactChange {
  contact: Contact;
  outcome: 'created' | 'updated' | 'unchanged';
  /** Names of what changed; empty where it was created. */
  changed: string[];
}

/**
 * The one way in which contacts change, as part of the caller's transaction. What really changed is told once; a patch that says
 * nothing new writes nothing and tells nothing. Two writes of one contact wait for each other.
 */
@Injectable()
export class ContactChanger {
  constructor(
    private readonly contacts: ContactStore,
    private readonly tags: TagStore,
    private readonly fields: CustomFieldTyper,
  ) {}

  /** @throws AppError `conflict`, naming the contact that has its e-mail address, external id or Manychat id already */
  async create(write: Write, tenantId: string, patch: ContactPatch): Promise<Contact> {
    const made = await this.insert(write, tenantId, patch);
    if (!made) throw await this.conflict(write.tx, tenantId, patch);
    return made;
  }

  /** @throws AppError `not_found`, or `conflict` as for `create` */
  async update(write: Write, tenantId: string, id: string, patch: ContactPatch): Promise<ContactChange> {
    const current = await this.contacts.lock(write.tx, tenantId, id);
    if (!current) throw notFound('contact', id);
    return this.change(write, tenantId, current, patch);
  }

  /**
   * Updates the contact that one of the keys names, and makes it where there is none; of many at once one makes it.
   * @param patchFor what to change of one that was there; otherwise all of `patch`
   */
  async upsert(
    write: Write,
    tenantId: string,
    keys: ContactKeys,
    patch: ContactPatch,
    patchFor: (current: Contact) => ContactPatch = () => patch,
  ): Promise<ContactChange> {
    const found = await this.lockMatch(write.tx, tenantId, keys);
    if (found) return this.change(write, tenantId, found, patchFor(found));
    const made = await this.insert(write, tenantId, patch);
    if (made) return { contact: made, outcome: 'created', changed: [] };
    // Somebody was quicker; what he made is committed by now.
    const theirs = await this.lockMatch(write.tx, tenantId, keys);
    if (!theirs) throw await this.conflict(write.tx, tenantId, patch);
    return this.change(write, tenantId, theirs, patchFor(theirs));
  }

  /** @throws AppError `not_found` */
  async delete(write: Write, tenantId: string, id: string): Promise<FullContact> {
    const { tx, now } = write;
    const current = await this.contacts.lock(tx, tenantId, id);
    if (!current) throw notFound('contact', id);
    const contact = { ...current, tags: await this.tags.of(tx, tenantId, id) };
    await this.contacts.delete(tx, tenantId, id);
    write.tell({ kind: 'contact-deleted', contact, deletedAt: now });
    return contact;
  }

  /** The contact an upsert with these keys would update; null when it would make one. */
  findMatch(tx: Transaction, tenantId: string, keys: ContactKeys): Promise<Contact | null> {
    return this.contacts.findMatch(tx, tenantId, keys);
  }

  private async insert(write: Write, tenantId: string, patch: ContactPatch): Promise<Contact | null> {
    const { tx, now } = write;
    const customFields = await this.fields.typed(tx, tenantId, patch.customFields ?? {});
    const values = [...customFields].flatMap(([name, { value }]) => (value === null ? [] : [[name, value]]));
    const row: ContactRow = {
      ...plainValues(patch),
      ...optInValues(patch),
      ...consentValues(patch, write),
      customFields: Object.fromEntries(values),
      attributes: (patch.attributes ?? {}) as ContactRow['attributes'],
    };
    const contact = await this.contacts.insert(tx, tenantId, row, now);
    if (!contact) return null;
    const consents = consentsOf(write, patch, (purpose) => purpose !== null);
    await this.contacts.recordConsents(tx, tenantId, contact.id, consents);
    const names = [...(patch.tags?.set ?? []), ...(patch.tags?.add ?? [])];
    const tags = await this.tags.ensure(tx, tenantId, names, now);
    await this.tags.apply(tx, tenantId, contact.id, applied(tags, now));
    write.tell({ kind: 'contact-created', contact });
    return contact;
  }

  private async change(write: Write, tenantId: string, current: Contact, patch: ContactPatch): Promise<ContactChange> {
    const { tx, now } = write;
    const changes = changesOf(current, {
      ...plainValues(patch),
      ...optInValues(patch),
      ...consentValues(patch, write, current),
    });
    const attributes = changesOf(current.attributes as Record<string, unknown>, patch.attributes ?? {});
    const customFields = await this.customFieldChanges(tx, tenantId, current, patch.customFields ?? {});
    const { added, removed } = await this.tagChanges(write, tenantId, current.id, patch.tags);

    const changed = [
      ...Object.keys({ ...changes, ...attributes }),
      ...customFields.map((field) => `customFields.${field.name}`),
      ...(added.length + removed.length > 0 ? ['tags'] : []),
    ];
    if (changed.length === 0) return { contact: current, outcome: 'unchanged', changed };
    const row: ContactRow = {
      ...newValues(changes),
      ...(Object.keys(attributes).length > 0 && {
        attributes: { ...(current.attributes as object), ...newValues(attributes) } as ContactRow['attributes'],
      }),
      ...(customFields.length > 0 && { customFields: withChanges(current.customFields as object, customFields) }),
    };
    const contact = await this.write(tx, tenantId, current.id, row, now);
    await this.contacts.recordConsents(
      tx,
      tenantId,
      current.id,
      consentsOf(write, patch, (column) => column in changes),
    );
    write.tell({
      kind: 'contact-updated',
      contact,
      changes: { ...changes, ...attributes },
      customFields,
      tagsAdded: added,
      tagsRemoved: removed,
    });
    return { contact, outcome: 'updated', changed };
  }

  private async write(tx: Transaction, tenantId: string, id: string, row: ContactRow, now: Date): Promise<Contact> {
    const rival = await this.contacts.findRival(tx, tenantId, row as ContactKeys, id);
    if (rival) throw taken(rival);
    try {
      return await this.contacts.update(tx, tenantId, id, row, now);
    } catch (error) {
      // Taken between the look and the write; the transaction is over, so nobody can be asked by whom.
      if (isUniqueViolation(error))
        throw new AppError('conflict', {
          detail:
            'Another contact has just taken this e-mail address, external id or Manychat id. Try again to see which.',
        });
      throw error;
    }
  }

  private async customFieldChanges(
    tx: Transaction,
    tenantId: string,
    current: Contact,
    given: Record<string, unknown>,
  ): Promise<CustomFieldChange[]> {
    const kept = current.customFields as Record<string, unknown>;
    const typed = await this.fields.typed(tx, tenantId, given);
    return [...typed].flatMap(([name, { id, value }]) => {
      const old = kept[name] ?? null;
      return same(old, value) ? [] : [{ id, name, old, new: value }];
    });
  }

  /** Puts tags on and takes them off. */
  private async tagChanges(
    { tx, now }: Write,
    tenantId: string,
    contactId: string,
    { set, add = [], remove = [] }: NonNullable<ContactPatch['tags']> = {},
  ): Promise<{ added: AppliedTag[]; removed: AppliedTag[] }> {
    if (set === undefined && add.length + remove.length === 0) return { added: [], removed: [] };
    const current = await this.tags.of(tx, tenantId, contactId);
    const has = new Set(current.map((tag) => tag.name));
    const wanted = new Set([...(set ?? has), ...add]);
    for (const name of remove) wanted.delete(name);
    const missing = [...wanted].filter((name) => !has.has(name));
    const added = applied(await this.tags.ensure(tx, tenantId, missing, now), now);
    const removed = current.filter((tag) => !wanted.has(tag.name));
    await this.tags.apply(tx, tenantId, contactId, added);
    await this.tags.take(tx, tenantId, contactId, removed);
    return { added, removed };
  }

  private async lockMatch(tx: Transaction, tenantId: string, keys: ContactKeys): Promise<Contact | null> {
    const match = await this.contacts.findMatch(tx, tenantId, keys);
    return match && this.contacts.lock(tx, tenantId, match.id);
  }

  private async conflict(tx: Transaction, tenantId: string, patch: ContactPatch): Promise<AppError> {
    const rival = await this.contacts.findRival(tx, tenantId, patch);
    return rival
      ? taken(rival)
      : new AppError('conflict', { detail: 'Such a contact was made and deleted meanwhile. Try again.' });
  }
}

const IN_WORDS = { email: 'e-mail address', externalId: 'external id', manychatId: 'Manychat id' };

function taken({ id, field, value }: { id: string; field: keyof typeof IN_WORDS; value: string }): AppError {
  const detail = `The contact ${id} has the ${IN_WORDS[field]} "${value}" already. Change that one, or give another.`;
  return new AppError('conflict', { detail, errors: [{ pointer: `/${field}`, detail }] });
}

/** What the patch says of plain columns; absent ones are absent. */
function plainValues(patch: ContactPatch): Partial<Contact> {
  return Object.fromEntries(
    PLAIN_FIELDS.flatMap((field) => (patch[field] === undefined ? [] : [[field, patch[field]]])),
  );
}

function optInValues({ optIns = {} }: ContactPatch): Partial<Contact> {
  return Object.fromEntries(
    PLATFORMS.flatMap((platform) => (optIns[platform] === undefined ? [] : [[OPT_IN[platform], optIns[platform]]])),
  );
}

/** Consent that is given again keeps the time it was given first. */
function consentValues({ exportConsent }: ContactPatch, { now }: Write, current?: Contact): Partial<Contact> {
  if (!exportConsent || exportConsent.given === (current?.exportConsentGiven ?? null)) return {};
  const { given, at } = exportConsent;
  return { exportConsentGiven: given, exportConsentAt: at ?? now };
}

/** @param changed whether the column behind a consent changed */
function consentsOf(write: Write, patch: ContactPatch, changed: (column: string) => boolean): NewConsent[] {
  const { source: writer, actorId = null } = write.origin;
  const { exportConsent: said, optIns = {} } = patch;
  const optedIn = PLATFORMS.flatMap((purpose): NewConsent[] => {
    const given = optIns[purpose];
    if (given === undefined || !changed(OPT_IN[purpose])) return [];
    return [{ purpose, given, source: writer, actorId, at: write.now }];
  });
  if (!said || !changed('exportConsentGiven')) return optedIn;
  const { given, at = write.now, source = writer } = said;
  return [...optedIn, { purpose: 'export', given, source, actorId, at }];
}

function changesOf(current: object, values: object): Changes {
  const kept = current as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      same(kept[name], value) ? [] : [[name, { old: kept[name] ?? null, new: value }]],
    ),
  );
}

const newValues = (changes: Changes) =>
  Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, change.new]));

function withChanges(customFields: object, changes: CustomFieldChange[]): NonNullable<ContactRow['customFields']> {
  const values = { ...customFields, ...Object.fromEntries(changes.map((field) => [field.name, field.new])) };
  const kept = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(kept) as NonNullable<ContactRow['customFields']>;
}

const applied = (tags: { id: string; name: string }[], now: Date): AppliedTag[] =>
  tags.map(({ id, name }) => ({ id, name, appliedAt: now }));

/** Values as they are stored: times by their instant, JSON by its text. */
const same = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
