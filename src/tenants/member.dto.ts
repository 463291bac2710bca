import { Transform } from 'class-transformer';
import { IsEmail, IsIn, IsString, Length, MaxLength } from 'class-validator';
import { ROLES, type Role } from '../core/scopes.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './password-hasher.js';

/** E-mail addresses are kept and compared in lower case. */
export const LowerCaseEmail = () =>
  Transform(({ value }) => (typeof value === 'string' ? value.trim().toLowerCase() : value));

export class CreateMember {
  @LowerCaseEmail()
  @IsEmail({}, { message: 'email must be an e-mail address' })
  @MaxLength(254)
  email: string;

  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  name?: string;

  /** viewer: reads everything; developer: also events, webhooks and inbound; admin: everything; owner: also other owners. */
  @IsIn(ROLES)
  role: Role;

  /** Generated and shown once when absent. */
  @MayBeAbsent()
  @IsString()
  @Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH)
  password?: string;
}

/** Absent fields stay as they are. A new password ends the member's sessions. */
export class UpdateMember {
  @MayBeAbsent()
  @LowerCaseEmail()
  @IsEmail({}, { message: 'email must be an e-mail address' })
  @MaxLength(254)
  email?: string;

  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  name?: string;

  @MayBeAbsent()
  @IsIn(ROLES)
  role?: Role;

  @MayBeAbsent()
  @IsString()
  @Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH)
  password?: string;
}

export class MemberView {
  id: string;
  email: string;
  name: string;
  role: Role;
  createdAt: Date;
  updatedAt: Date;
}

export class CreatedMemberView extends MemberView {
  /** Only when it was generated, and only here. */
  password?: string;
}
