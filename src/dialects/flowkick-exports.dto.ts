import { IntersectionType } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsString, Max, Min } from 'class-validator';
import { ContactExportFilter } from '../export/export-filters.dto.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { FlowKickIncludes } from './flowkick-users.dto.js';

const flag = ({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value);
const separated = ({ value }: { value: unknown }) => (typeof value === 'string' ? value.split(',') : value);

/** The parameters of both exports: the guide's, and `limit` and `fields`. */
export class FlowKickExportQuery extends ContactExportFilter {
  /** At most so many users, those that were stored first. */
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt({ message: 'limit must be a whole number' })
  @Min(1)
  @Max(2_147_483_647)
  limit?: number;

  /** Names of columns, separated by commas. */
  @MayBeAbsent()
  @Transform(separated)
  @IsArray()
  @IsString({ each: true })
  fields?: string[];
}

/** "CSV Export" of the FlowKick guide. */
export class FlowKickCsvQuery extends FlowKickExportQuery {
  /** Begins with a byte order mark, by which spreadsheets know UTF-8. */
  @MayBeAbsent()
  @Transform(flag)
  @IsBoolean()
  bom?: boolean;
}

/** "JSON Export": with `bookings`, `qrCodes`, `interactionHistory` and `conversations` of each user, as asked for. */
export class FlowKickJsonQuery extends IntersectionType(FlowKickExportQuery, FlowKickIncludes) {
  /** With their messages. */
  @MayBeAbsent()
  @Transform(flag)
  @IsBoolean()
  includeConversations?: boolean;
}
