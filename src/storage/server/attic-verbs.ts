/** `SITE TRASH`, for this member's own processes only. */
import { count, text, wrong } from './request-fields.ts';
import { type Handler, requireOwn } from './site-handler.ts';

export const atticVerbs: { readonly [verb: string]: Handler } = {
  async TRASH(request, { store }, peer) {
    requireOwn(peer);
    if (request['empty'] === true) {
      return await store.attic.empty(request['before'] === undefined ? undefined : count(request, 'before'));
    }
    const { replace = false } = request;
    if (typeof replace !== 'boolean') throw wrong('replace');
    const id = text(request, 'restore');
    return await store.attic.restore({
      id,
      ...(request['to'] !== undefined && { to: text(request, 'to') }),
      replace,
    });
  },
};
