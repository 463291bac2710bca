import { Transform } from 'class-transformer';

/** A member of a query string that may come once or several times, as a list. */
export const AsList = () => Transform(({ value }) => (value === undefined ? undefined : [value].flat()));

/** `true` or `false` of a query string as a boolean; anything else stays what it is, for the check to refuse. */
export const AsFlag = () => Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value));
