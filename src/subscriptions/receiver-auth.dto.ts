import { IsIn, IsInt, IsOptional, IsString, Length, Max, MaxLength, Min } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

/** How to sign in at the receiver. Which fields belong to which type stands with each. */
export class SubscriptionAuth {
  /** `basic`: user name and password. `bearer-jwt`: a token made for each request (HS256) that holds the digest of its body. */
  @IsIn(['basic', 'bearer-jwt'])
  type: 'basic' | 'bearer-jwt';

  /** Of `basic`; without a colon. */
  @MayBeAbsent()
  @IsString()
  @Length(1, 255)
  username?: string;

  /** Of `basic`. Absent in a change: stays as it is. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(1024)
  password?: string;

  /** Of `bearer-jwt`, 32 to 256 characters, used as UTF-8. Absent or null: the one there is stays, or one is made and shown once. */
  @IsOptional()
  @IsString()
  @Length(32, 256)
  secret?: string | null;

  /** Of `bearer-jwt`: the token's `aud`; none when absent. */
  @IsOptional()
  @IsString()
  @Length(1, 500)
  audience?: string | null;

  /** Of `bearer-jwt`: how long the token is good (default 60). */
  @MayBeAbsent()
  @IsInt()
  @Min(10)
  @Max(3600)
  expiresInSeconds?: number;
}

/** How we sign in at the receiver, without what is secret. */
export class SubscriptionAuthView {
  type: 'basic' | 'bearer-jwt';
  /** Of `basic`. */
  username?: string;
  /** Of `bearer-jwt`. */
  audience?: string | null;
  expiresInSeconds?: number;
  /** Of `bearer-jwt`, when it was made by this request: shown here once and never again. */
  secret?: string;
}
