/** The variable in which a container finds its task. */
export const taskVariable = "STAMPEDE_TASK";
