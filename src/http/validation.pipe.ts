import { type ArgumentMetadata, type Type, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { AppError, type FieldError, invalidField } from '../core/errors.js';

const escapeSegment = (segment: string) => segment.replaceAll('~', '~0').replaceAll('/', '~1');

function fieldErrors(errors: ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap((error) => {
    const pointer = `${parent}/${escapeSegment(error.property)}`;
    const own = Object.values(error.constraints ?? {}).map((detail) => ({ pointer, detail }));
    return [...own, ...fieldErrors(error.children ?? [], pointer)];
  });
}

/** The framework takes a body of `null` for one that was left out. */
class DtoPipe extends ValidationPipe {
  override transform(value: unknown, metadata: ArgumentMetadata) {
    if (value === null && metadata.type === 'body' && metadata.metatype !== Object)
      throw invalidField('', 'The body is null: send a JSON object.');
    return super.transform(value, metadata);
  }
}

/**
 * Checks bodies and query strings against their DTO classes. Unknown fields are refused by name: a misspelt
 * option that is silently ignored costs its sender an afternoon.
 * @param parent where what is checked stands in the body
 */
export function dtoPipe(parent = ''): ValidationPipe {
  return new DtoPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => {
      const fields = fieldErrors(errors, parent);
      const detail = fields.map((field) => `${field.pointer}: ${field.detail}`).join('; ');
      return new AppError('invalid_request', { detail, errors: fields });
    },
  });
}

/** Checks a part of a body whose class depends on another part. */
export function checkedAs<T extends object>(type: Type<T>, value: object, parent: string): Promise<T> {
  return dtoPipe(parent).transform(value, { type: 'body', metatype: type });
}
