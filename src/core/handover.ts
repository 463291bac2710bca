/** By which a contact asks for a person, where the tenant has no words of its own. */
export const HANDOVER_WORDS = [
  'atendente',
  'falar com uma pessoa',
  'falar com um humano',
  'human',
  'talk to a person',
  'speak to someone',
  'agente',
  'hablar con una persona',
  'hablar con alguien',
] as const;

/** The word by which a message asks for a person, or null. Whole words count, without regard to case and accents. */
export function handoverWordIn(message: string, words: readonly string[]): string | null {
  const said = ` ${plain(message)} `;
  return words.find((word) => plain(word) !== '' && said.includes(` ${plain(word)} `)) ?? null;
}

function plain(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
