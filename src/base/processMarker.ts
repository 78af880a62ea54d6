/** Name of the environment variable that marks every process of a session; its value is the marker. */
export const MARKER_VARIABLE = 'DEPUTY_SESSION_MARKER';
