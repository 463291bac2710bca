import { IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

export class UpdateEventType {
  @MayBeAbsent()
  @IsString()
  @MaxLength(2000)
  description?: string;

  /** A word of your own to group types by. Default: `custom`. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(64)
  vocabulary?: string;

  /** JSON Schema 2020-12 of `data`; events that do not fit are refused. Null removes it. */
  @IsOptional()
  @IsObject()
  schema?: Record<string, unknown> | null;

  /** A complete `data` object: shown in the catalog and sent by the test button. Null removes it. */
  @IsOptional()
  @IsObject()
  example?: Record<string, unknown> | null;
}

export class CreateEventType extends UpdateEventType {
  /** `invoice.overdue`: words of letters, digits, `_` and `-`, separated by dots. */
  @IsString()
  name: string;
}

export class EventTypeQuery {
  /** Only this vocabulary: crm, flowkick, pt-BR, posthaste, or one of your own. */
  @MayBeAbsent()
  @IsString()
  vocabulary?: string;

  /** Only names and descriptions that contain this. */
  @MayBeAbsent()
  @IsString()
  search?: string;
}

/** An entry of the catalog as the API shows it. */
export class EventTypeView {
  name: string;
  vocabulary: string;
  description: string;
  /** Built in: the same for every tenant; it cannot be changed. */
  builtIn: boolean;
  schema: Record<string, unknown> | null;
  example: Record<string, unknown> | null;
}

export class EventSample {
  event: string;
  timestamp: Date;
  data: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}
