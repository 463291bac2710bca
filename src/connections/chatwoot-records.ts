import { e164 } from '../core/phone-number.js';
import type { ProviderFailure } from './provider-error.js';

export interface ChatwootContact {
  id: number;
  name: string | null;
  email: string | null;
  phone_number: string | null;
  identifier: string | null;
  custom_attributes: Record<string, unknown>;
  additional_attributes: Record<string, unknown>;
  contact_inboxes?: { source_id: string; inbox: { id: number; [field: string]: unknown } }[];
  last_activity_at?: number | null;
  [field: string]: unknown;
}

export interface ChatwootConversation {
  /** The number shown in Chatwoot and used in its paths. */
  id: number;
  status: 'open' | 'resolved' | 'pending' | 'snoozed';
  inbox_id: number;
  labels?: string[];
  custom_attributes?: Record<string, unknown>;
  meta?: {
    sender?: { id: number; [field: string]: unknown };
    assignee?: { id: number } | null;
    [field: string]: unknown;
  };
  last_activity_at?: number;
  [field: string]: unknown;
}

export interface ChatwootMessage {
  id: number;
  content: string | null;
  /** 0 incoming, 1 outgoing, 2 activity, 3 template. */
  message_type: number;
  private: boolean;
  /** In seconds. */
  created_at: number;
  sender?: { id: number; type?: string; name?: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface ChatwootContactFields {
  name?: string;
  email?: string | null;
  /** Any spelling with a country; what is no E.164 number is left out, Chatwoot refuses it. */
  phone?: string | null;
  identifier?: string | null;
  customAttributes?: Record<string, unknown>;
  additionalAttributes?: Record<string, unknown>;
}

export interface OutgoingMessage {
  content: string;
  /** A note for the agents: the contact does not see it. */
  private?: boolean;
  contentAttributes?: Record<string, unknown>;
  /** An approved WhatsApp template, needed outside of WhatsApp's 24 hours. */
  templateParams?: Record<string, unknown>;
}

export interface ChatwootWebhook {
  id: number;
  url: string;
  subscriptions: string[];
  /** Missing before Chatwoot 4.11.2, which does not sign. */
  secret?: string | null;
}

export interface ConversationQuery {
  status?: 'open' | 'resolved' | 'pending' | 'snoozed' | 'all';
  inboxId?: number;
  labels?: string[];
  /** From 1. */
  page?: number;
}

const CONTACTS_ON_PAGE = 15;

export function contactPage(answer: { meta?: { has_more?: boolean }; payload: ChatwootContact[] }) {
  const contacts = unwrapped<ChatwootContact[]>(answer);
  // Older versions do not say whether there is more.
  return { contacts, more: answer.meta?.has_more ?? contacts.length === CONTACTS_ON_PAGE };
}

export function contactBody(fields: ChatwootContactFields): Record<string, unknown> {
  const { name, email, phone, identifier, customAttributes, additionalAttributes } = fields;
  const number = e164(phone);
  return {
    name,
    email,
    identifier,
    custom_attributes: customAttributes,
    additional_attributes: additionalAttributes,
    ...(phone === null || number !== null ? { phone_number: number } : {}),
  };
}

/** E-mail, phone and identifier are one contact's alone; a webhook's URL too. Chatwoot answers 422 in words of its language. */
export function takenValue(body: unknown, status: number): ProviderFailure | null {
  if (status !== 422) return null;
  return /taken|already/i.test(JSON.stringify(body)) || hasAttributes(body) ? 'conflict' : null;
}

function hasAttributes(body: unknown): boolean {
  const { attributes } = (body ?? {}) as { attributes?: string[] };
  return Array.isArray(attributes) && attributes.length > 0;
}

/** What is inside `payload`, and inside its one member of that name, where Chatwoot wraps it so. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is the caller's to know
export function unwrapped<T>(answer: any, name?: string): T {
  const payload = answer?.payload ?? answer;
  return (name === undefined ? payload : (payload?.[name] ?? payload)) as T;
}
