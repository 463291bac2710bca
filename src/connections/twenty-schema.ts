/** A field of an object in a Twenty workspace. */
export interface TwentyField {
  name: string;
  type: string;
  /** Of SELECT and MULTI_SELECT fields. */
  options: { value: string; label: string; position: number }[];
  /** Of a relation to one record: the column with its id (`companyId`). */
  joinColumn: string | null;
}

/** A kind of record in a workspace: each workspace has its own fields and choices. */
export interface TwentyObject {
  nameSingular: string;
  namePlural: string;
  fields: Map<string, TwentyField>;
}

/** What is asked for of a field that consists of several; of others, the field itself. */
const PARTS: Record<string, string> = {
  FULL_NAME: 'firstName lastName',
  EMAILS: 'primaryEmail additionalEmails',
  PHONES: 'primaryPhoneNumber primaryPhoneCountryCode primaryPhoneCallingCode additionalPhones',
  LINKS: 'primaryLinkUrl primaryLinkLabel secondaryLinks',
  CURRENCY: 'amountMicros currencyCode',
  ADDRESS:
    'addressStreet1 addressStreet2 addressCity addressPostcode addressState addressCountry addressLat addressLng',
  ACTOR: 'source workspaceMemberId name',
  RICH_TEXT_V2: 'blocknote markdown',
};
/** Kinds of fields that are read as they stand. What a newer version adds is left out and not guessed at. */
const PLAIN = new Set(
  `UUID TEXT NUMBER NUMERIC BOOLEAN DATE DATE_TIME SELECT MULTI_SELECT RATING ARRAY RAW_JSON POSITION RICH_TEXT
   PHONE EMAIL LINK`.split(/\s+/),
);

/**
 * Reads `GET /rest/metadata/objects`: a list of objects, bare or in `data.objects`, each with its active `fields` as a list or as
 * GraphQL edges.
 */
export function readObjects(answer: unknown): TwentyObject[] {
  return listIn(answer, 'objects')
    .filter((object) => object.isActive !== false)
    .map((object) => ({
      nameSingular: String(object.nameSingular),
      namePlural: String(object.namePlural),
      fields: new Map(
        listIn(object.fields, 'fields')
          .filter((field) => field.isActive !== false)
          .map((field) => [String(field.name), readField(field)]),
      ),
    }));
}

/** The fields to ask for in GraphQL: everything the record itself holds, relations as the id of what they lead to. */
export function selectionOf(object: TwentyObject): string {
  return [...object.fields.values()].map(selectionOfField).filter(Boolean).join(' ');
}

/**
 * The value by which a workspace knows a stage: its own value or label, or what the tenant's setting says for this name.
 * @returns null when the workspace has no such stage
 */
export function findStage(
  options: TwentyField['options'],
  wanted: string,
  named: Readonly<Record<string, string>>,
): string | null {
  const own = Object.hasOwn(named, wanted) ? (named[wanted] as string) : wanted;
  const spelled = (text: string) => text.toUpperCase().replace(/[^\p{L}\p{N}]+/gu, '_');
  const found =
    options.find(({ value }) => value === own) ??
    options.find(({ value, label }) => [value, label].map(spelled).includes(spelled(own)));
  return found?.value ?? null;
}

function readField(field: Record<string, unknown>): TwentyField {
  const options = Array.isArray(field.options) ? (field.options as TwentyField['options']) : [];
  const settings = (field.settings ?? {}) as { joinColumnName?: string; relationType?: string };
  const toOne = field.type === 'RELATION' && settings.relationType === 'MANY_TO_ONE';
  return {
    name: String(field.name),
    type: String(field.type),
    options: [...options].sort((a, b) => a.position - b.position),
    joinColumn: toOne ? (settings.joinColumnName ?? `${field.name}Id`) : null,
  };
}

function selectionOfField({ name, type, joinColumn }: TwentyField): string {
  if (joinColumn) return joinColumn;
  if (PARTS[type]) return `${name} { ${PARTS[type]} }`;
  return PLAIN.has(type) ? name : '';
}

function listIn(value: unknown, name: string): Record<string, unknown>[] {
  if (Array.isArray(value)) return value;
  const { data, edges, [name]: own } = (value ?? {}) as Record<string, unknown>;
  if (Array.isArray(edges)) return edges.map((edge) => edge.node);
  const inside = own ?? data;
  return inside === undefined || inside === null ? [] : listIn(inside, name);
}
