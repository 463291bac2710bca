import { Injectable } from '@nestjs/common';
import { AppError, type FieldError } from '../core/errors.js';
import type { Transaction } from '../database/prisma.service.js';
import { CustomFieldStore } from './custom-field.store.js';
import { typedValue } from './custom-field-value.js';

/** Values of custom fields as their definitions store them. */
@Injectable()
export class CustomFieldTyper {
  constructor(private readonly store: CustomFieldStore) {}

  /**
   * The values with the ids of their fields, by name; null stays null, an empty text is null where the field is no text.
   * @throws AppError `invalid_request` that lists every name that no field has and every value that does not fit
   */
  async typed(
    tx: Transaction,
    tenantId: string,
    given: Record<string, unknown>,
    pointerOf: (name: string) => string = (name) => `/customFields/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  ): Promise<Map<string, { id: string; value: string | number | boolean | null }>> {
    const fields = await this.store.named(tx, tenantId, Object.keys(given));
    const errors: FieldError[] = [];
    const typed = new Map<string, { id: string; value: string | number | boolean | null }>();
    for (const [name, value] of Object.entries(given)) {
      const field = fields.get(name);
      const said = JSON.stringify(value)?.slice(0, 80);
      if (!field) {
        const detail = `There is no custom field "${name}". Define it with POST /api/v1/custom-fields, or check the spelling.`;
        errors.push({ pointer: pointerOf(name), detail });
      } else if (value === null || value === undefined || (value === '' && field.type !== 'text')) {
        typed.set(name, { id: field.id, value: null });
      } else {
        const result = typedValue(field.type, field.choices, value);
        if (result.kind === 'value') typed.set(name, { id: field.id, value: result.value });
        else errors.push({ pointer: pointerOf(name), detail: `${said} must be ${result.mustBe}.` });
      }
    }
    if (errors.length > 0) {
      throw new AppError('invalid_request', { detail: errors.map((error) => error.detail).join(' '), errors });
    }
    return typed;
  }
}
