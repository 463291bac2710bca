import { Injectable } from '@nestjs/common';
import { isISO8601 } from 'class-validator';
import { AppError, type FieldError } from '../core/errors.js';
import { PrismaService } from '../database/prisma.service.js';
import type { ContactFilter } from './contact-filter.js';
import { PLATFORMS, type Platform } from './contact-patch.js';
import { CustomFieldTyper } from './custom-field-typer.js';
import { TagStore } from './tag.store.js';

/** A filter as a query string or an export's request says it. */
export interface ContactFilterInput {
  ids?: readonly string[];
  createdAfter?: string;
  createdBefore?: string;
  updatedAfter?: string;
  updatedBefore?: string;
  /** Names of tags. */
  hasTag?: readonly string[];
  /** By the fields' names. */
  customField?: Readonly<Record<string, unknown>>;
  optedIn?: readonly string[];
  search?: string;
  exportConsentOnly?: boolean;
}

const TIMES = ['createdAfter', 'createdBefore', 'updatedAfter', 'updatedBefore'] as const;

/** Turns what was asked for into a filter, or says what of it does not exist: a filter that is misspelt must not match nobody in silence. */
@Injectable()
export class ContactFilterReader {
  constructor(
    private readonly prisma: PrismaService,
    private readonly tags: TagStore,
    private readonly fields: CustomFieldTyper,
  ) {}

  /**
   * @param pointerOf how the asker names a part of the filter: `?hasTag`, `/filters/hasTag`
   * @throws AppError `invalid_request` with each part that is wrong
   */
  async read(
    tenantId: string,
    input: ContactFilterInput,
    pointerOf = (name: string) => `?${name}`,
  ): Promise<ContactFilter> {
    const errors: FieldError[] = [];
    const refuse = (name: string, detail: string) => void errors.push({ pointer: pointerOf(name), detail });
    const times = readTimes(input, refuse);
    for (const one of input.optedIn ?? []) {
      if (!(PLATFORMS as readonly string[]).includes(one))
        refuse('optedIn', `"${one}" is no platform: take ${PLATFORMS.join(', ')}.`);
    }
    const tagIds = await this.tagIds(tenantId, input.hasTag ?? [], refuse);
    const customFields = await this.customFields(tenantId, input.customField ?? {}, pointerOf, errors);
    if (errors.length > 0) {
      throw new AppError('invalid_request', { detail: errors.map((error) => error.detail).join(' '), errors });
    }
    const search = input.search?.replaceAll('\u0000', '').trim();
    return {
      ...times,
      ...(input.ids && { ids: input.ids }),
      ...(tagIds.length > 0 && { tagIds }),
      ...(Object.keys(customFields).length > 0 && { customFields }),
      ...(input.optedIn && input.optedIn.length > 0 && { optedIn: [...new Set(input.optedIn)] as Platform[] }),
      ...(search && { search }),
      ...(input.exportConsentOnly && { exportConsentOnly: true }),
    };
  }

  private async tagIds(
    tenantId: string,
    names: readonly string[],
    refuse: (name: string, detail: string) => void,
  ): Promise<string[]> {
    const tags = await this.tags.named(tenantId, [...new Set(names)]);
    for (const name of new Set(names)) {
      if (!tags.some((tag) => tag.name === name))
        refuse('hasTag', `There is no tag "${name}". GET /api/v1/tags lists those there are.`);
    }
    return tags.map((tag) => tag.id);
  }

  private async customFields(
    tenantId: string,
    given: Readonly<Record<string, unknown>>,
    pointerOf: (name: string) => string,
    errors: FieldError[],
  ): Promise<Record<string, string | number | boolean>> {
    try {
      const typed = await this.fields.typed(this.prisma, tenantId, given, (name) => pointerOf(`customField[${name}]`));
      return Object.fromEntries([...typed].flatMap(([name, { value }]) => (value === null ? [] : [[name, value]])));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      errors.push(...(error.details.errors ?? []));
      return {};
    }
  }
}

function readTimes(
  input: ContactFilterInput,
  refuse: (name: string, detail: string) => void,
): Pick<ContactFilter, (typeof TIMES)[number]> {
  const times: Pick<ContactFilter, (typeof TIMES)[number]> = {};
  for (const name of TIMES) {
    const text = input[name];
    if (text === undefined) continue;
    // A time without a zone would be read in the server's; a date alone is midnight UTC.
    if (
      isISO8601(text, { strict: true, strictSeparator: true }) &&
      /^\d{4}-\d{2}-\d{2}(T.*([zZ]|[+-]\d{2}:?\d{2}))?$/.test(text)
    )
      times[name] = new Date(text);
    else refuse(name, `"${text}" is no date: write 2025-01-31, or a time with its zone such as 2025-01-31T10:00:00Z.`);
  }
  return times;
}
