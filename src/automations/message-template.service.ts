import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { isTimeZone, LANGUAGES, languageOf, templateProblem } from '../core/message-text.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { BUILT_IN_TEMPLATES, PLACEHOLDER_NAMES, PLACEHOLDERS } from './built-in-templates.js';
import { MessageComposer, type MessageSubject, USUAL_LANGUAGE } from './message-composer.js';
import {
  type BuiltInTemplates,
  type CreateMessageTemplate,
  type MessagePreview,
  type MessageTemplateQuery,
  type MessageTemplateView,
  type PreviewMessageTemplate,
  presentTemplate,
  type UpdateMessageTemplate,
} from './message-template.dto.js';
import { MessageTemplateStore } from './message-template.store.js';

const DAY_MS = 24 * 3600 * 1000;

/** The words of a tenant's automatic messages. */
@Injectable()
export class MessageTemplateService {
  constructor(
    private readonly store: MessageTemplateStore,
    private readonly composer: MessageComposer,
    private readonly clock: Clock,
  ) {}

  async create(tenantId: string, input: CreateMessageTemplate): Promise<MessageTemplateView> {
    checkText(input.text);
    const { name, language, text } = input;
    const row = await this.store.create(tenantId, { name, language, text });
    if (row) return presentTemplate(row);
    throw new AppError('conflict', {
      detail: `There is a template "${name}" in ${language} already: change that one.`,
    });
  }

  async get(tenantId: string, id: string): Promise<MessageTemplateView> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('message template', id);
    return presentTemplate(row);
  }

  async list(tenantId: string, query: MessageTemplateQuery): Promise<Page<MessageTemplateView>> {
    const rows = await this.store.list(tenantId, query.name, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, presentTemplate);
  }

  async update(tenantId: string, id: string, { text }: UpdateMessageTemplate): Promise<MessageTemplateView> {
    checkText(text);
    const row = isUuid(id) ? await this.store.update(tenantId, id, text) : null;
    if (!row) throw notFound('message template', id);
    return presentTemplate(row);
  }

  async delete(tenantId: string, id: string): Promise<void> {
    if (!isUuid(id) || !(await this.store.delete(tenantId, id))) throw notFound('message template', id);
  }

  builtIn(): BuiltInTemplates {
    const data = Object.entries(BUILT_IN_TEMPLATES).flatMap(([name, texts]) =>
      LANGUAGES.map((language) => ({ name, language, text: texts[language] })),
    );
    return { data, placeholders: PLACEHOLDER_NAMES };
  }

  /** A message as it would be sent, about somebody invented. */
  async preview(tenantId: string, input: PreviewMessageTemplate): Promise<MessagePreview> {
    const { text, name, language } = input;
    if ((text === undefined) === (name === undefined)) throw invalidField('', 'Give either text or name.');
    const about = this.example(input);
    if (text !== undefined) {
      checkText(text);
      const spoken = languageOf([language], USUAL_LANGUAGE);
      return { language: spoken, text: this.composer.fill(text, spoken, about) };
    }
    const composed = await this.composer.compose(tenantId, name as string, about);
    if (!composed) throw notFound('message template', name as string);
    return composed;
  }

  private example({ language, timeZone = 'America/Sao_Paulo', startTime }: PreviewMessageTemplate): MessageSubject {
    if (!isTimeZone(timeZone))
      throw invalidField('/timeZone', `"${timeZone}" is not a time zone: give a name such as America/Sao_Paulo.`);
    const sample = (placeholder: string) => PLACEHOLDERS[placeholder] as string;
    const [firstName = '', lastName = ''] = sample('contact.name').split(' ');
    const start = startTime === undefined ? new Date(this.clock.now().getTime() + DAY_MS) : new Date(startTime);
    return {
      contact: { firstName, lastName, email: sample('contact.email'), phone: sample('contact.phone') },
      booking: {
        title: sample('booking.title'),
        startTime: start,
        location: sample('booking.location'),
        reason: sample('booking.reason'),
      },
      deal: { title: sample('deal.title'), stage: sample('deal.stage') },
      locales: [language],
      timeZone,
    };
  }
}

function checkText(text: string): void {
  const problem = templateProblem(text, PLACEHOLDER_NAMES);
  if (problem) throw invalidField('/text', problem);
}
