import { PartialType } from '@nestjs/swagger';
import { IsArray, IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import type { CreateContact } from '../crm/contact.dto.js';
import type { FullContact } from '../crm/domain-change.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';

/** "Create a contact" of the CRM guide. */
export class CreateCrmContact {
  @IsOptional()
  @IsString()
  first_name?: string | null;

  @IsOptional()
  @IsString()
  last_name?: string | null;

  /** Unique in the tenant, whatever its case. */
  @IsOptional()
  @IsString()
  email?: string | null;

  /** With its country, such as `+55 11 99999-9999`; without one it is of the tenant's `defaultCountry`. */
  @IsOptional()
  @IsString()
  phone?: string | null;

  /** Where the contact came from first: `website`. */
  @IsOptional()
  @IsString()
  source?: string | null;

  /** Your own id of the contact, unique in the tenant. */
  @IsOptional()
  @IsString()
  external_id?: string | null;

  /** The names of all its tags. */
  @MayBeAbsent()
  @IsArray()
  @IsString({ each: true })
  tags?: string[];

  @IsOptional()
  @IsObject()
  custom_fields?: Record<string, unknown>;
}

export class UpdateCrmContact extends PartialType(CreateCrmContact) {}

export class CrmContactQuery extends PageQuery {
  /** Words that are each part of a name, the e-mail address or the Instagram name. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  search?: string;
}

/** A contact as the CRM guide's API shows it. */
export class CrmContact {
  id: string;
  tenant_id: string;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  phone: string | null;
  source: string | null;
  external_id: string | null;
  tags: string[];
  custom_fields: Record<string, unknown>;
  created_at: Date;
  updated_at: Date;
}

export function nativeContact({
  first_name,
  last_name,
  external_id,
  custom_fields,
  ...same
}: UpdateCrmContact): CreateContact {
  return { ...same, firstName: first_name, lastName: last_name, externalId: external_id, customFields: custom_fields };
}

export function presentCrmContact(contact: FullContact): CrmContact {
  return {
    id: contact.id,
    tenant_id: contact.tenantId,
    first_name: contact.firstName,
    last_name: contact.lastName,
    email: contact.email,
    phone: contact.phone,
    source: contact.source,
    external_id: contact.externalId,
    tags: contact.tags.map((tag) => tag.name),
    custom_fields: contact.customFields as Record<string, unknown>,
    created_at: contact.createdAt,
    updated_at: contact.updatedAt,
  };
}
