import {
  functionNames,
  queueNames,
  type FunctionName,
  type FunctionResource,
  type FunctionTable,
} from "../resources.js";
import type { Functions } from "./functions.js";
import { account, names, pascal, prefix, settings } from "./stage.js";

const periodSeconds = 300;

/**
 * Alarms that mean that somebody should look: dead letters, functions that fail or are held back, a sweeper that does not run. They go
 * to one topic, and from there to an address where one is set.
 */
export function createAlarms(table: FunctionTable, deployed: Functions): aws.sns.Topic {
  const topic = createTopic();
  const alarm = alarmsTo(topic);
  for (const name of queueNames) {
    alarm(`${pascal(name)}DeadLettersAlarm`, {
      name: `${prefix}-${name}-dead-letters`,
      alarmDescription: `A message of the queue ${name} could not be handled in several tries: read it, mend the cause, redrive it.`,
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: names.deadLetters(name) },
      statistic: "Maximum",
      threshold: 1,
    });
  }
  for (const name of functionNames) watchFunction(name, { table, deployed, alarm });
  return topic;
}

type Alarm = (
  name: string,
  args: Omit<aws.cloudwatch.MetricAlarmArgs, "comparisonOperator" | "evaluationPeriods">,
) => void;

function alarmsTo(topic: aws.sns.Topic): Alarm {
  return (name, args) => {
    new aws.cloudwatch.MetricAlarm(name, {
      comparisonOperator: args.treatMissingData === "breaching" ? "LessThanThreshold" : "GreaterThanOrEqualToThreshold",
      evaluationPeriods: 1,
      period: periodSeconds,
      treatMissingData: "notBreaching",
      alarmActions: [topic.arn],
      okActions: [topic.arn],
      ...args,
    });
  };
}

/**
 * A failed task is a failed invocation, and is tried again: of those that are invoked one by one, some fail in any big job. Those that
 * work on messages report each that failed, and fail as a whole only when they crash or run out of time.
 */
function errorsToBear({ failuresTo }: FunctionResource): number {
  return failuresTo === undefined ? 1 : 20;
}

interface Watch {
  readonly table: FunctionTable;
  readonly deployed: Functions;
  readonly alarm: Alarm;
}

function watchFunction(name: FunctionName, { table, deployed, alarm }: Watch): void {
  const metric = { namespace: "AWS/Lambda", dimensions: { FunctionName: deployed[name].name }, statistic: "Sum" };
  alarm(`${pascal(name)}ErrorsAlarm`, {
    ...metric,
    name: `${prefix}-${name}-errors`,
    alarmDescription: `The function ${name} fails: see its log ${names.logGroup(name)}.`,
    metricName: "Errors",
    threshold: errorsToBear(table[name]),
  });
  alarm(`${pascal(name)}ThrottlesAlarm`, {
    ...metric,
    name: `${prefix}-${name}-throttles`,
    alarmDescription: `More of ${name} is wanted than the account may run at once: use fewer executors, or have the limit raised.`,
    metricName: "Throttles",
    threshold: 20,
  });
  const { everyMinutes } = table[name];
  if (everyMinutes === undefined) return;
  alarm(`${pascal(name)}SilenceAlarm`, {
    ...metric,
    name: `${prefix}-${name}-silence`,
    alarmDescription: `The function ${name} was not invoked for long, so that lost messages are not made good: see its schedule.`,
    metricName: "Invocations",
    threshold: 1,
    period: everyMinutes * 60 * 3,
    treatMissingData: "breaching",
  });
}

function createTopic(): aws.sns.Topic {
  // Not encrypted with the account's key for SNS, which alarms may not use; what is told are names and numbers.
  const topic = new aws.sns.Topic("Alarms", { name: `${prefix}-alarms` });
  new aws.sns.TopicPolicy("AlarmsPolicy", { arn: topic.arn, policy: $jsonStringify(topicPolicy(topic)) });
  if (settings.alarmEmail !== undefined) {
    new aws.sns.TopicSubscription("AlarmsEmail", {
      topic: topic.arn,
      protocol: "email",
      endpoint: settings.alarmEmail,
    });
  }
  return topic;
}

function topicPolicy(topic: aws.sns.Topic): object {
  const ofThisAccount = { StringEquals: { "aws:SourceAccount": account } };
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "AlarmsAndBudgets",
        Effect: "Allow",
        Principal: { Service: ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] },
        Action: "sns:Publish",
        Resource: topic.arn,
        Condition: ofThisAccount,
      },
    ],
  };
}
