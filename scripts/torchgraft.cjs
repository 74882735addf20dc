#!/usr/bin/env node
require('./pool-threads.cjs')
void import('./torchgraft.mjs')
