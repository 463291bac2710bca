import type { ChatwootClient } from '../connections/chatwoot-client.js';
import type { ChatwootContact } from '../connections/chatwoot-records.js';
import { phoneOf, type TwentyClient, type TwentyPerson } from '../connections/twenty-client.js';
import { fullName, type PersonContent, personContent, splitName, statedOf } from '../core/person-content.js';

/** Somebody as another system has him. */
export interface ExternalPerson {
  externalId: string;
  content: PersonContent;
  updatedAt: Date | null;
}

/** The people of another system. What is null in `content` is not written. */
export interface ExternalPeople {
  provider: string;
  /** Of the identities. */
  kind: string;
  find(content: PersonContent): Promise<ExternalPerson | null>;
  create(content: PersonContent): Promise<ExternalPerson>;
  update(externalId: string, content: PersonContent): Promise<ExternalPerson>;
}

/** A person as Twenty has it, in the words all systems share. */
export function twentyPersonContent(person: Pick<TwentyPerson, 'name' | 'emails' | 'phones'>): PersonContent {
  const { firstName, lastName } = person.name ?? {};
  return personContent({ firstName, lastName, email: person.emails?.primaryEmail, phone: phoneOf(person) });
}

export function twentyPeople(client: TwentyClient): ExternalPeople {
  const read = (person: TwentyPerson): ExternalPerson => ({
    externalId: person.id,
    content: twentyPersonContent(person),
    updatedAt: person.updatedAt ? new Date(person.updatedAt) : null,
  });
  return {
    provider: 'twenty',
    kind: 'person',
    find: async ({ email, phone }) => {
      const byEmail = email ? await client.findContactByEmail(email) : null;
      const found = byEmail ?? (phone?.startsWith('+') ? await client.findContactByPhone(phone) : null);
      return found && read(found);
    },
    create: async (content) => read(await client.createContact(statedOf(content) as object)),
    update: async (id, content) => read(await client.updateContact(id, statedOf(content) as object)),
  };
}

/** A contact as Chatwoot has it, in the words all systems share. */
export function chatwootContactContent({
  name,
  email,
  phone_number,
}: Pick<ChatwootContact, 'name' | 'email' | 'phone_number'>): PersonContent {
  return personContent({ ...splitName(name), email, phone: phone_number });
}

export function chatwootPeople(client: ChatwootClient): ExternalPeople {
  const read = (contact: ChatwootContact): ExternalPerson => ({
    externalId: String(contact.id),
    content: chatwootContactContent(contact),
    updatedAt: null,
  });
  const fields = (content: PersonContent) => ({
    name: fullName(content) ?? undefined,
    email: content.email ?? undefined,
    phone: content.phone ?? undefined,
  });
  return {
    provider: 'chatwoot',
    kind: 'contact',
    find: async (content) => {
      const found = await client.findContact(content);
      return found && read(found);
    },
    create: async (content) => read(await client.createContact(fields(content))),
    update: async (id, content) => read(await client.updateContact(Number(id), fields(content))),
  };
}
