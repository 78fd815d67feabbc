/** Names of the two channels between the window and its host. */
export const callChannel = 'espalier:call';
export const eventChannel = 'espalier:event';
