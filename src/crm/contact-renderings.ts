import type { Contact } from './contact.store.js';
import type { AppliedTag, ChangeOf, Changes } from './domain-change.js';
import { asText, flowkickUser, fullNameOf } from './flowkick-user.js';
import { printedInBrazil } from './phone.js';
import { inSnakeCase, type RenderedEvent, type Rendering, type RenderingContext, rendering } from './rendering.js';

type Updated = ChangeOf<'contact-updated'>;

/** Contacts in the three vocabularies: `contact.*` of the CRM guide, `user.*` of FlowKick's, `cliente.*` of Sistema CRM's. */
export const CONTACT_RENDERINGS: readonly Rendering[] = [
  rendering('contact-created', ['contact.created'], ({ contact }) => [
    { type: 'contact.created', data: crmContact(contact) },
  ]),
  rendering('contact-updated', ['contact.updated'], (change) => [
    { type: 'contact.updated', data: { ...crmContact(change.contact), changes: crmChanges(change) } },
  ]),
  rendering('contact-deleted', ['contact.deleted'], ({ contact }) => [
    { type: 'contact.deleted', data: crmContact(contact) },
  ]),

  rendering('contact-created', ['user.created'], async ({ contact }, context) => [
    { type: 'user.created', data: { user: await userOf(contact, context) } },
  ]),
  rendering(
    'contact-updated',
    ['user.updated', 'customfield.updated', 'tag.added', 'tag.removed'],
    async (change, context) => flowkickUpdates(change, await userOf(change.contact, context)),
  ),
  rendering('contact-deleted', ['user.deleted'], ({ contact }) => [
    { type: 'user.deleted', data: { user: flowkickUser(contact) } },
  ]),

  rendering('contact-created', ['cliente.criado'], ({ contact }) => [
    { type: 'cliente.criado', data: { ...cliente(contact), createdAt: contact.createdAt.toISOString() } },
  ]),
  rendering('contact-updated', ['cliente.atualizado'], (change) => [
    {
      type: 'cliente.atualizado',
      data: {
        ...cliente(change.contact),
        updatedAt: change.contact.updatedAt.toISOString(),
        alteracoes: alteracoes(change),
      },
    },
  ]),
  rendering('contact-deleted', ['cliente.excluido'], ({ contact, deletedAt }) => [
    {
      type: 'cliente.excluido',
      data: { id: contact.id, nome: fullNameOf(contact), excluidoEm: deletedAt.toISOString() },
    },
  ]),
];

function crmContact(contact: Contact): Record<string, unknown> {
  return {
    contact_id: contact.id,
    email: contact.email,
    first_name: contact.firstName,
    last_name: contact.lastName,
    phone: contact.phone,
  };
}

/** Fields in snake_case; custom fields as `custom_fields.<name>`, tags as one list before and after. */
function crmChanges(change: Updated): Changes {
  const custom = change.customFields.map((field) => [
    `custom_fields.${field.name}`,
    { old: field.old, new: field.new },
  ]);
  return {
    ...inSnakeCase(change.changes),
    ...Object.fromEntries(custom),
    ...tagChanges(change, 'tags', 'old', 'new'),
  };
}

async function userOf(contact: Contact, context: RenderingContext) {
  return flowkickUser((await context.fullContact(contact.id)) ?? { ...contact, tags: [] });
}

function flowkickUpdates(change: Updated, user: ReturnType<typeof flowkickUser>): RenderedEvent[] {
  const { changes, customFields, tagsAdded, tagsRemoved } = change;
  return [
    ...(Object.keys(changes).length > 0 ? [{ type: 'user.updated', data: { user, changes } }] : []),
    ...customFields.map(({ id, name, old, new: now }) => ({
      type: 'customfield.updated',
      data: { user, field: { id, name, old: asText(old), new: asText(now) } },
    })),
    ...tagsAdded.map((tag) => ({ type: 'tag.added', data: { user, tag: flowkickTag(tag) } })),
    ...tagsRemoved.map((tag) => ({ type: 'tag.removed', data: { user, tag: flowkickTag(tag) } })),
  ];
}

function flowkickTag({ id, name, appliedAt }: AppliedTag) {
  return { id, name, appliedAt: appliedAt.toISOString() };
}

function cliente(contact: Contact): Record<string, unknown> {
  return {
    id: contact.id,
    nome: fullNameOf(contact),
    email: contact.email,
    telefone: printedInBrazil(contact.phone),
  };
}

const IN_PORTUGUESE: Record<string, string> = {
  email: 'email',
  phone: 'telefone',
  whatsappPhone: 'telefoneWhatsapp',
  gender: 'genero',
  locale: 'idioma',
  timezone: 'fusoHorario',
  profilePic: 'foto',
  source: 'origem',
  manychatId: 'manychatId',
  instagramUsername: 'instagram',
  instagramId: 'instagramId',
  externalId: 'idExterno',
};

const PHONES = new Set(['phone', 'whatsappPhone']);

/** The two name fields are one `nome` there; custom fields are `camposPersonalizados.<name>`, what has no Portuguese name keeps ours. */
function alteracoes(change: Updated): Record<string, unknown> {
  const { contact, changes, customFields } = change;
  const { firstName, lastName, ...others } = changes;
  const before = {
    firstName: firstName ? (firstName.old as string | null) : contact.firstName,
    lastName: lastName ? (lastName.old as string | null) : contact.lastName,
  };
  const changed = [
    ...(firstName || lastName ? [['nome', fullNameOf(before), fullNameOf(contact)] as const] : []),
    ...Object.entries(others).map(([name, one]) => {
      const printed = PHONES.has(name)
        ? (value: unknown) => printedInBrazil(value as string | null)
        : (value: unknown) => value;
      return [IN_PORTUGUESE[name] ?? name, printed(one.old), printed(one.new)] as const;
    }),
    ...customFields.map((field) => [`camposPersonalizados.${field.name}`, field.old, field.new] as const),
  ];
  return {
    ...Object.fromEntries(changed.map(([name, anterior, novo]) => [name, { anterior, novo }])),
    ...tagChanges(change, 'etiquetas', 'anterior', 'novo'),
  };
}

/** Only what came and went is known here: that is what is told. */
function tagChanges({ tagsAdded, tagsRemoved }: Updated, name: string, before: string, after: string) {
  if (tagsAdded.length + tagsRemoved.length === 0) return {};
  const names = (tags: AppliedTag[]) => tags.map((tag) => tag.name);
  return { [name]: { [before]: names(tagsRemoved), [after]: names(tagsAdded) } };
}
