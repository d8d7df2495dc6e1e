// Says what becomes of opening a namespace.

import { Namespace } from 'distributed-log';

const namespace = await Namespace.open('memory:few').catch(({ code }) => console.log(code));
if (namespace !== undefined) {
  console.log('opened');
  await namespace.close();
}
