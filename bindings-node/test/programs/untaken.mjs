// A thread that ends at once, with what its calls opened on its way to it.

import { Namespace } from 'distributed-log';

for (let count = 0; count < 300; count++) Namespace.open('memory:untaken');
process.exit();
