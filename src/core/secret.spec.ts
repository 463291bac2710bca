import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  masterKeyId,
  newSubscriptionSecret,
  open,
  sameSecret,
  seal,
  secretProblem,
  standardWebhooksKey,
} from './secret.js';

const key = randomBytes(32);

describe('sealing', () => {
  it('gives back what was sealed, and never the same bytes twice', () => {
    const sealed = seal('whsec_geheim ção', key, 'row:1');
    expect(open(sealed, key, 'row:1')).toBe('whsec_geheim ção');
    expect(seal('whsec_geheim ção', key, 'row:1')).not.toEqual(sealed);
    expect(sealed.includes('geheim')).toBe(false);
  });

  it('does not open for another row, with another key, or changed', () => {
    const sealed = seal('secret', key, 'row:1');
    expect(() => open(sealed, key, 'row:2')).toThrow();
    expect(() => open(sealed, randomBytes(32), 'row:1')).toThrow('MASTER_KEY');
    for (const i of [0, 1, 6, 20, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] as number) ^ 1;
      expect(() => open(changed, key, 'row:1')).toThrow();
    }
    expect(() => open(sealed.subarray(0, 10), key, 'row:1')).toThrow();
  });

  it('names its key without showing it', () => {
    expect(masterKeyId(key)).toEqual(masterKeyId(key));
    expect(key.includes(masterKeyId(key))).toBe(false);
  });
});

describe('a subscription secret', () => {
  it('is whsec_ and 32 bytes', () => {
    const secret = newSubscriptionSecret();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(standardWebhooksKey(secret)).toHaveLength(32);
    expect(secretProblem(secret)).toBeNull();
  });

  it('may be any text of one’s own', () => {
    expect(secretProblem('sua_chave_secreta')).toBeNull();
    expect(standardWebhooksKey('sua_chave_secreta').toString()).toBe('sua_chave_secreta');
    expect(secretProblem('short')).not.toBeNull();
    expect(secretProblem('whsec_not base64!')).toContain('base64');
    expect(secretProblem('whsec_AAAA')).toContain('16 to 64');
  });
});

it('compares secrets of any length', () => {
  expect(sameSecret('a', 'a')).toBe(true);
  expect(sameSecret('a', 'ab')).toBe(false);
});
