/** Grows with every change of what graphs compute or of how they are fed. */
export const compilerVersion = "3";
