import { describe, expect, it } from 'vitest';
import { dateAndTime, fillIn, languageOf, placeholdersIn, templateProblem } from './message-text.js';

describe('templates', () => {
  it('are filled in, and what is not known leaves no gap', () => {
    const text = 'Olá {{contact.firstName}}! {{ booking.title }}: {{booking.date}}.';
    expect(placeholdersIn(text)).toEqual(['contact.firstName', 'booking.title', 'booking.date']);
    const values = { 'contact.firstName': 'Ana', 'booking.title': 'Consulta', 'booking.date': '23 de janeiro' };
    expect(fillIn(text, values)).toBe('Olá Ana! Consulta: 23 de janeiro.');
    expect(fillIn(text, { ...values, 'contact.firstName': null })).toBe('Olá! Consulta: 23 de janeiro.');
  });

  it('a value is not taken for a template', () => {
    expect(fillIn('{{a}} {{b}}', { a: '{{b}}', b: '$1' })).toBe('{{b}} $1');
  });

  it.each([
    ['Olá {{contact.nome}}', '{{contact.nome}} cannot be filled in'],
    ['Olá {{contact.name', 'two braces'],
    ['Olá contact.name}}', 'two braces'],
  ])('%j is refused in words', (text, words) => {
    expect(templateProblem(text, ['contact.name'])).toContain(words);
  });

  it('single braces are text', () => {
    expect(templateProblem('{x} {{contact.name}}', ['contact.name'])).toBeNull();
  });
});

describe('languages and times', () => {
  it.each([
    [['pt_BR'], 'pt-BR'],
    [['pt-PT'], 'pt-BR'],
    [['es_MX', 'en'], 'es'],
    [[null, 'en-US'], 'en'],
    [['EN'], 'en'],
    [['english'], 'pt-BR'],
    [['fr'], 'pt-BR'],
    [[undefined], 'pt-BR'],
  ])('%j is spoken to in %s', (locales, language) => {
    expect(languageOf(locales, 'pt-BR')).toBe(language);
  });

  it("are those of the reader's zone", () => {
    const time = new Date('2026-01-23T01:30:00Z');
    expect(dateAndTime(time, 'pt-BR', 'America/Sao_Paulo')).toEqual({
      date: 'quinta-feira, 22 de janeiro de 2026',
      time: '22:30',
    });
    expect(dateAndTime(time, 'es', 'Europe/Madrid')).toEqual({ date: 'viernes, 23 de enero de 2026', time: '2:30' });
    expect(dateAndTime(time, 'en', 'Mars/Olympus').time).toMatch(/^1:30\sAM UTC$/);
  });
});
