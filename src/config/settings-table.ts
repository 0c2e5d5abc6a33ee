/** Every setting once: its name (option, CLOUDROID_ variable, key of the file), default, check and description. */
import { type GatewaySettings, gatewaySettings } from './gateway-settings.ts';
import { type LimitSettings, limitSettings } from './limit-settings.ts';
import { memberSettings } from './member-settings.ts';
import { type Setting, valuesOf } from './setting.ts';

export const settingsTable = { ...memberSettings, ...gatewaySettings, ...limitSettings };

export type SettingName = keyof typeof settingsTable;
export const settingNames = Object.keys(settingsTable).filter(
  (name): name is SettingName => name in settingsTable,
);

/** The same in the groups in which the help shows them. */
export const settingGroups: readonly { readonly title: string; readonly names: readonly string[] }[] = [
  { title: 'Settings of the member:', names: Object.keys(memberSettings) },
  { title: 'How clients reach it:', names: Object.keys(gatewaySettings) },
  { title: 'Limits for clients:', names: Object.keys(limitSettings) },
];

/** What the gateway has when nothing was set. */
export const gatewayDefaults: GatewaySettings & LimitSettings = {
  ...valuesOf(gatewaySettings, byDefault),
  ...valuesOf(limitSettings, byDefault),
};

function byDefault(_name: string, { check, default: standard }: Setting<unknown>): unknown {
  return check(standard ?? '');
}
