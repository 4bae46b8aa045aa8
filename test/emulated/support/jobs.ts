/** The README's job, shortened: real images, four executors, three rounds. Words after `stampede train`. */
export const mnist = ["mnist/job.yaml", "--executors", "4", "--set", "training.epochs=3"] as const;
