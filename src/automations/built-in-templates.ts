import type { Language } from '../core/message-text.js';

/** What may stand between braces, and an example of it for previews. */
export const PLACEHOLDERS: Readonly<Record<string, string>> = {
  'contact.name': 'Ana Souza',
  'contact.firstName': 'Ana',
  'contact.email': 'ana@example.com',
  'contact.phone': '+5511999990000',
  'booking.title': 'Consulta',
  'booking.date': '',
  'booking.time': '',
  'booking.timeZone': 'America/Sao_Paulo',
  'booking.location': 'https://meet.example.com/abc',
  'booking.reason': 'I cannot come.',
  'deal.title': 'Implante',
  'deal.stage': 'PROPOSAL',
};
export const PLACEHOLDER_NAMES = Object.keys(PLACEHOLDERS);

/** What the automations send until a tenant says it otherwise. */
export const BUILT_IN_TEMPLATES: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  'booking.confirmed': {
    'pt-BR':
      'Olá {{contact.firstName}}! Seu agendamento está confirmado: {{booking.title}}, {{booking.date}} às {{booking.time}}.',
    en: 'Hello {{contact.firstName}}! Your appointment is confirmed: {{booking.title}}, {{booking.date}} at {{booking.time}}.',
    es: '¡Hola {{contact.firstName}}! Tu cita está confirmada: {{booking.title}}, {{booking.date}} a las {{booking.time}}.',
  },
  'booking.rescheduled': {
    'pt-BR':
      'Olá {{contact.firstName}}! Seu agendamento foi remarcado: {{booking.title}} agora é {{booking.date}} às {{booking.time}}.',
    en: 'Hello {{contact.firstName}}! Your appointment was moved: {{booking.title}} is now on {{booking.date}} at {{booking.time}}.',
    es: '¡Hola {{contact.firstName}}! Tu cita fue reprogramada: {{booking.title}} ahora es el {{booking.date}} a las {{booking.time}}.',
  },
  'booking.cancelled': {
    'pt-BR':
      'Olá {{contact.firstName}}. Seu agendamento foi cancelado: {{booking.title}}, {{booking.date}} às {{booking.time}}.',
    en: 'Hello {{contact.firstName}}. Your appointment was cancelled: {{booking.title}}, {{booking.date}} at {{booking.time}}.',
    es: 'Hola {{contact.firstName}}. Tu cita fue cancelada: {{booking.title}}, {{booking.date}} a las {{booking.time}}.',
  },
};
