import { jsonBody, pointerAt, textAt } from './body-fields.js';
import type { Check, Identity } from './provider.js';
import { headerIfAny } from './request.js';
import type { SettingSpec } from './settings.js';

/** Where a sender we know nothing about puts its ids and names. A header goes before a place in the body. */
export const GENERIC_IDENTITY: SettingSpec[] = [
  {
    name: 'deliveryIdHeader',
    kind: 'header',
    about: 'The header with an id that stays the same when a delivery is repeated.',
  },
  { name: 'deliveryIdPointer', kind: 'pointer', about: 'Where that id is in a JSON body, for instance /id.' },
  { name: 'eventNameHeader', kind: 'header', about: 'The header with the name of the event.' },
  {
    name: 'eventNamePointer',
    kind: 'pointer',
    about: 'Where the name is in a JSON body. Without it, /event and then /type are tried.',
  },
];

export function identifyGenerically({ request, settings }: Check): Identity {
  const body = jsonBody(request);
  const find = (header: string | undefined, pointer: string | undefined) =>
    (header && headerIfAny(request, header)) || (pointer && pointerAt(body, pointer)) || undefined;
  const eventName = find(settings.text('eventNameHeader'), settings.text('eventNamePointer'));
  const pointed = settings.text('eventNameHeader') ?? settings.text('eventNamePointer');
  return {
    deliveryId: find(settings.text('deliveryIdHeader'), settings.text('deliveryIdPointer')),
    eventName: pointed ? eventName : (textAt(body, 'event') ?? textAt(body, 'type')),
  };
}
