import { IsIn, IsISO8601, IsString, Length, Matches, MaxLength } from 'class-validator';
import { LANGUAGES, type Language } from '../core/message-text.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import type { MessageTemplate } from './message-template.store.js';

const NAME = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/;
const NAME_WORDS = 'name has small letters, digits, dots, - and _: booking.confirmed, stage.proposal';
const MAX_TEXT = 4000;

export class CreateMessageTemplate {
  /** `booking.confirmed`, `booking.rescheduled` and `booking.cancelled` replace the built-in words; others are for stages. */
  @Matches(NAME, { message: NAME_WORDS })
  @MaxLength(100)
  name: string;

  @IsIn(LANGUAGES)
  language: Language;

  /** With placeholders such as `{{contact.firstName}}`, `{{booking.date}}`, `{{deal.stage}}`. */
  @IsString()
  @Length(1, MAX_TEXT)
  text: string;
}

export class UpdateMessageTemplate {
  @IsString()
  @Length(1, MAX_TEXT)
  text: string;
}

export class MessageTemplateQuery extends PageQuery {
  @MayBeAbsent()
  @IsString()
  name?: string;
}

export class PreviewMessageTemplate {
  /** The words to look at. */
  @MayBeAbsent()
  @IsString()
  @Length(1, MAX_TEXT)
  text?: string;

  /** Or those that would be sent under this name. */
  @MayBeAbsent()
  @Matches(NAME, { message: NAME_WORDS })
  @MaxLength(100)
  name?: string;

  /** A locale: `pt-BR`, `en-US`, `es`. Default: the tenant's. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(20)
  language?: string;

  /** Times are shown in this zone. Default: America/Sao_Paulo. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(64)
  timeZone?: string;

  /** When the appointment of the example is. Default: tomorrow. */
  @MayBeAbsent()
  @IsISO8601()
  startTime?: string;
}

export class MessagePreview {
  language: string;
  text: string;
}

export class MessageTemplateView {
  id: string;
  tenantId: string;
  name: string;
  language: string;
  text: string;
  createdAt: Date;
  updatedAt: Date;
}

/** What is sent where the tenant has no words of its own. */
export class BuiltInTemplateView {
  name: string;
  language: string;
  text: string;
}

export class BuiltInTemplates {
  data: BuiltInTemplateView[];
  /** What may stand between the braces. */
  placeholders: string[];
}

export function presentTemplate({ id, tenantId, name, language, text, createdAt, updatedAt }: MessageTemplate) {
  return { id, tenantId, name, language, text, createdAt, updatedAt };
}
