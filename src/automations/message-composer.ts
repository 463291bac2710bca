import { Injectable } from '@nestjs/common';
import { dateAndTime, fillIn, LANGUAGES, type Language, languageOf } from '../core/message-text.js';
import { BUILT_IN_TEMPLATES } from './built-in-templates.js';
import { MessageTemplateStore } from './message-template.store.js';

/** Whoever reads a message is spoken to in this language unless we know better. */
export const USUAL_LANGUAGE: Language = 'pt-BR';

/** Whom and what a message is about. */
export interface MessageSubject {
  contact: { firstName: string | null; lastName: string | null; email: string | null; phone: string | null };
  booking?: { title: string | null; startTime: Date; location?: string | null; reason?: string | null };
  deal?: { title: string | null; stage: string };
  /** The first that names one of our languages decides. */
  locales: readonly (string | null | undefined)[];
  timeZone: string | null;
}

/** Puts a template's words together for one reader. */
@Injectable()
export class MessageComposer {
  constructor(private readonly templates: MessageTemplateStore) {}

  /** The message under that name, in the reader's language as far as there are words; null when there is no such template. */
  async compose(tenantId: string, name: string, about: MessageSubject) {
    const own = new Map((await this.templates.listNamed(tenantId, name)).map(({ language, text }) => [language, text]));
    const wanted = languageOf(about.locales, USUAL_LANGUAGE);
    for (const language of [wanted, USUAL_LANGUAGE, ...LANGUAGES]) {
      // The tenant's own words in this language, else the built-in ones, before another language is tried.
      const text = own.get(language) ?? BUILT_IN_TEMPLATES[name]?.[language];
      if (text !== undefined) return { language, text: this.fill(text, language, about) };
    }
    return null;
  }

  fill(text: string, language: Language, { contact, booking, deal, timeZone }: MessageSubject): string {
    const when = booking && dateAndTime(booking.startTime, language, timeZone);
    return fillIn(text, {
      'contact.name': [contact.firstName, contact.lastName].filter(Boolean).join(' '),
      'contact.firstName': contact.firstName,
      'contact.email': contact.email,
      'contact.phone': contact.phone,
      'booking.title': booking?.title,
      'booking.date': when?.date,
      'booking.time': when?.time,
      'booking.timeZone': booking && (timeZone ?? 'UTC'),
      'booking.location': booking?.location,
      'booking.reason': booking?.reason,
      'deal.title': deal?.title,
      'deal.stage': deal?.stage,
    });
  }
}
