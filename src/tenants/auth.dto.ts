import { IsString, Length, MaxLength } from 'class-validator';
import type { Role } from '../core/scopes.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { LowerCaseEmail } from './member.dto.js';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './password-hasher.js';

// snake_case, as the CRM guide shows it: these routes are shared by the native API and the dialects.

export class Login {
  @LowerCaseEmail()
  @IsString()
  @Length(1, 254)
  email: string;

  @IsString()
  @Length(1, MAX_PASSWORD_LENGTH)
  password: string;

  /** Slug or id; needed only when the same e-mail and password fit members of several tenants. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(100)
  tenant?: string;
}

/** What a member changes about himself. Absent fields stay as they are. */
export class UpdateMe {
  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  name?: string;

  /** Ends all other sessions; needs `current_password`. */
  @MayBeAbsent()
  @IsString()
  @Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH)
  password?: string;

  @MayBeAbsent()
  @IsString()
  @MaxLength(MAX_PASSWORD_LENGTH)
  current_password?: string;
}

export class LoggedInMember {
  id: string;
  email: string;
  name: string;
  role: Role;
}

export class LoginAnswer {
  /** Send it as `Authorization: Bearer <token>`. */
  token: string;
  expires_at: Date;
  tenant_id: string;
  member: LoggedInMember;
}

export class TenantOfMe {
  id: string;
  slug: string;
  name: string;
}

export class Me {
  /** Of the member, or of the API key. */
  id: string;
  /** Null for an API key. */
  email: string | null;
  name: string;
  /** Null for an API key. */
  role: Role | null;
  tenant_id: string;
  tenant: TenantOfMe;
  scopes: string[];
}
