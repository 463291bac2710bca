import { PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import { AsFlag, AsList } from '../http/query-values.decorator.js';
import type { Contact } from './contact.store.js';
import type { ContactFilterInput } from './contact-filter-reader.js';
import type { FullContact } from './domain-change.js';
import { fullNameOf } from './flowkick-user.js';

/** What a contact agreed to be written to on. */
export class OptInsInput {
  @MayBeAbsent()
  @IsBoolean()
  messenger?: boolean;

  @MayBeAbsent()
  @IsBoolean()
  instagram?: boolean;

  @MayBeAbsent()
  @IsBoolean()
  whatsapp?: boolean;

  @MayBeAbsent()
  @IsBoolean()
  telegram?: boolean;
}

export class ExportConsentInput {
  @IsBoolean()
  given: boolean;

  /** When it was said. Default: now. */
  @MayBeAbsent()
  @IsISO8601({ strict: true, strictSeparator: true })
  at?: string;

  /** Where it was said: `website_form`. Default: the source of the change. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  source?: string;
}

/** A contact; every field may be absent. */
export class CreateContact {
  /** Unique in the tenant, whatever its case. */
  @IsOptional()
  @IsString()
  email?: string | null;

  @IsOptional()
  @IsString()
  firstName?: string | null;

  @IsOptional()
  @IsString()
  lastName?: string | null;

  /** With its country, such as `+55 11 99999-9999`; without one it is of the tenant's `defaultCountry`. Kept in E.164. */
  @IsOptional()
  @IsString()
  phone?: string | null;

  @IsOptional()
  @IsString()
  whatsappPhone?: string | null;

  @IsOptional()
  @IsString()
  gender?: string | null;

  /** `en_US`, `pt-BR`. */
  @IsOptional()
  @IsString()
  locale?: string | null;

  /** `America/Sao_Paulo`. */
  @IsOptional()
  @IsString()
  timezone?: string | null;

  /** Address of a picture. */
  @IsOptional()
  @IsString()
  profilePic?: string | null;

  /** Your own id of the contact, unique in the tenant. */
  @IsOptional()
  @IsString()
  externalId?: string | null;

  /** Unique in the tenant. */
  @IsOptional()
  @IsString()
  manychatId?: string | null;

  @IsOptional()
  @IsString()
  instagramUsername?: string | null;

  @IsOptional()
  @IsString()
  instagramId?: string | null;

  /** Where the contact came from first: `website_form`. */
  @IsOptional()
  @IsString()
  source?: string | null;

  @IsOptional()
  @IsString()
  subscribedAt?: string | null;

  /** When your system last brought it up to date. */
  @IsOptional()
  @IsString()
  lastSyncedAt?: string | null;

  @MayBeAbsent()
  @ValidateNested()
  @Type(() => OptInsInput)
  optIns?: OptInsInput;

  @MayBeAbsent()
  @ValidateNested()
  @Type(() => ExportConsentInput)
  exportConsent?: ExportConsentInput;

  /** The names of all its tags; those there are not yet are made. */
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  tags?: string[];

  /** Values by the names of custom fields; null takes one away. */
  @IsOptional()
  @IsObject()
  customFields?: Record<string, unknown>;

  /** Anything else, by name: `utm_campaign`. Merged into what is there. */
  @IsOptional()
  @IsObject()
  attributes?: Record<string, unknown>;
}

export class UpdateContact extends PartialType(CreateContact) {}

/** What contacts are filtered by, in all APIs and exports; all conditions hold at once. Times are ISO 8601, a date is its midnight UTC. */
export class ContactFilterQuery extends PageQuery implements ContactFilterInput {
  /** From this time on. */
  @MayBeAbsent()
  @IsString()
  createdAfter?: string;

  /** Before this time. */
  @MayBeAbsent()
  @IsString()
  createdBefore?: string;

  @MayBeAbsent()
  @IsString()
  updatedAfter?: string;

  @MayBeAbsent()
  @IsString()
  updatedBefore?: string;

  /** Name of a tag. Given several times: contacts with all of them. */
  @MayBeAbsent()
  @AsList()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  hasTag?: string[];

  /** `customField[favorite_drink]=latte`: contacts with that value. */
  @IsOptional()
  @IsObject()
  customField?: Record<string, unknown>;

  /** `messenger`, `instagram`, `whatsapp` or `telegram`. Given several times: contacts who opted in on all of them. */
  @MayBeAbsent()
  @AsList()
  @ArrayMaxSize(4)
  @IsString({ each: true })
  optedIn?: string[];

  /** Words that are each part of a name, the e-mail address or the Instagram name; one or two letters begin one. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  search?: string;

  /** Only contacts who agreed to be exported. */
  @MayBeAbsent()
  @AsFlag()
  @IsBoolean()
  exportConsentOnly?: boolean;
}

export class OptInsView {
  messenger: boolean;
  instagram: boolean;
  whatsapp: boolean;
  telegram: boolean;
}

export class ExportConsentView {
  given: boolean;
  /** When it was last given or withdrawn. */
  at: Date | null;
}

export class InteractionCountsView {
  messagesCount: number;
  commentsCount: number;
  storiesCount: number;
  totalCount: number;
  lastUpdated: Date | null;
}

export class ContactStatsView {
  bookingsCount: number;
  qrScansCount: number;
  conversationsCount: number;
  lastBooking: Date | null;
}

/** A contact as the native API shows it. */
export class ContactView {
  id: string;
  email: string | null;
  firstName: string | null;
  lastName: string | null;
  fullName: string | null;
  /** E.164. */
  phone: string | null;
  whatsappPhone: string | null;
  gender: string | null;
  locale: string | null;
  timezone: string | null;
  profilePic: string | null;
  externalId: string | null;
  manychatId: string | null;
  instagramUsername: string | null;
  instagramId: string | null;
  source: string | null;
  optIns: OptInsView;
  exportConsent: ExportConsentView;
  /** Names, oldest first. */
  tags: string[];
  /** Values of the types their fields have. */
  customFields: Record<string, unknown>;
  attributes: Record<string, unknown>;
  interactions: InteractionCountsView;
  stats: ContactStatsView;
  subscribedAt: Date | null;
  lastSyncedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export const INTERACTION_KINDS = ['message', 'comment', 'story'] as const;
export type InteractionKind = (typeof INTERACTION_KINDS)[number];

export class CreateInteraction {
  @IsIn(INTERACTION_KINDS)
  kind: InteractionKind;

  /** `instagram`, `whatsapp`. */
  @IsOptional()
  @IsString()
  @MaxLength(50)
  channel?: string | null;

  @IsOptional()
  @IsString()
  @MaxLength(10_000)
  text?: string | null;

  /** Default: now. */
  @MayBeAbsent()
  @IsISO8601({ strict: true, strictSeparator: true })
  occurredAt?: string;
}

export class InteractionView {
  id: string;
  contactId: string;
  kind: InteractionKind;
  channel: string | null;
  text: string | null;
  occurredAt: Date;
}

/** Consent given or withdrawn. */
export class ContactConsentView {
  id: string;
  /** `export`, or the channel the contact may be written to on. */
  purpose: string;
  given: boolean;
  source: string;
  /** Member or API key that recorded it. */
  actorId: string | null;
  at: Date;
}

export function presentContact(contact: FullContact): ContactView {
  const { messagesCount, commentsCount, storiesCount } = contact;
  return {
    ...plainOf(contact),
    fullName: fullNameOf(contact),
    optIns: {
      messenger: contact.optInMessenger,
      instagram: contact.optInInstagram,
      whatsapp: contact.optInWhatsapp,
      telegram: contact.optInTelegram,
    },
    exportConsent: { given: contact.exportConsentGiven, at: contact.exportConsentAt },
    tags: contact.tags.map((tag) => tag.name),
    customFields: contact.customFields as Record<string, unknown>,
    attributes: contact.attributes as Record<string, unknown>,
    interactions: {
      messagesCount,
      commentsCount,
      storiesCount,
      totalCount: messagesCount + commentsCount + storiesCount,
      lastUpdated: contact.interactionsUpdatedAt,
    },
    stats: {
      bookingsCount: contact.bookingsCount,
      qrScansCount: contact.qrScansCount,
      conversationsCount: contact.conversationsCount,
      lastBooking: contact.lastBookingAt,
    },
  };
}

function plainOf(contact: Contact) {
  const { id, email, firstName, lastName, phone, whatsappPhone, gender, locale, timezone, profilePic } = contact;
  const { externalId, manychatId, instagramUsername, instagramId, source } = contact;
  const { subscribedAt, lastSyncedAt, createdAt, updatedAt } = contact;
  return {
    ...{ id, email, firstName, lastName, phone, whatsappPhone, gender, locale, timezone, profilePic },
    ...{ externalId, manychatId, instagramUsername, instagramId, source },
    ...{ subscribedAt, lastSyncedAt, createdAt, updatedAt },
  };
}
