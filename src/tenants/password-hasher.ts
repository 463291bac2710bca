import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { newPassword } from './credential-format.js';

export const MIN_PASSWORD_LENGTH = 10;
/** Hashing takes as long as it takes for any length; this only keeps nonsense out. */
export const MAX_PASSWORD_LENGTH = 256;

/** argon2id with the first set of parameters of the OWASP password storage cheat sheet: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

@Injectable()
export class PasswordHasher {
  private dummy: Promise<string> | null = null;

  /** @returns a PHC string `$argon2id$v=19$…` */
  hash(password: string): Promise<string> {
    return hash(password, COST);
  }

  verify(passwordHash: string, password: string): Promise<boolean> {
    return verify(passwordHash, password);
  }

  /** Takes as long as `verify`, for nobody: an unknown e-mail is then answered no faster than a wrong password. */
  async verifyNobody(password: string): Promise<false> {
    this.dummy ??= this.hash(newPassword());
    await verify(await this.dummy, password);
    return false;
  }
}
