/** What the table and the charts call a machine. @param {Pick<import('../types.d.mts').Machine, 'processor' | 'heldTo' | 'cores'>} machine */
export function machineWords({ processor, heldTo, cores }) {
  return `${processor}${heldTo ? ` held to ${heldTo}` : ''}, ${cores} cores`
}
