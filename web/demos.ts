/** Tables to try: public data that lies beside the page. */
import type { Given } from "./link.ts";

export interface Demo {
  id: string;
  title: string;
  question: string;
  file: string;
  target: string;
  positive: string;
  drop: readonly string[];
  /** Where the usual ones would take long. */
  settings?: Given;
  /** The share of the class to find, for the picture. */
  share: number;
  facts: string;
  source: string;
}

export const DEMOS: readonly Demo[] = [
  {
    id: "birdstrikes",
    title: "Bird strikes",
    question: "Which wildlife strikes damage the aircraft?",
    file: "birdstrikes.csv.gz",
    target: "Effect Amount of damage",
    positive: "Substantial",
    // Known only after the damage: a model that sees it learns nothing of use.
    drop: ["Cost Other", "Cost Repair", "Cost Total $"],
    settings: { splits: 3 },
    share: 0.0311,
    facts: "10,000 rows, 3.1 % damaged",
    source: "US Federal Aviation Administration",
  },
  {
    id: "snow",
    title: "Snow in Seattle",
    question: "On which days does it snow?",
    file: "seattle-weather.csv.gz",
    target: "weather",
    positive: "snow",
    // Winters come again, dates do not.
    drop: ["date"],
    share: 0.0178,
    facts: "1,461 rows, 1.8 % snow",
    source: "US National Climatic Data Center",
  },
  {
    id: "penguins",
    title: "Penguins",
    question: "Which are chinstraps, beak length unknown?",
    file: "penguins.json.gz",
    target: "Species",
    positive: "Chinstrap",
    // With it, there is nothing to improve.
    drop: ["Beak Length (mm)"],
    share: 0.198,
    facts: "344 rows, 20 % chinstraps",
    source: "Kristen Gorman, Palmer Station",
  },
];
