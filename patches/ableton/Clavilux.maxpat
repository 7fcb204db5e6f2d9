{
	"patcher": {
		"fileversion": 1,
		"appversion": {
			"major": 8,
			"minor": 5,
			"revision": 5,
			"architecture": "x64",
			"modernui": 1
		},
		"classnamespace": "box",
		"rect": [
			60.0,
			100.0,
			1100.0,
			760.0
		],
		"openrect": [
			0.0,
			0.0,
			420.0,
			169.0
		],
		"openinpresentation": 1,
		"default_fontsize": 10.0,
		"default_fontname": "Arial Bold",
		"gridsize": [
			8.0,
			8.0
		],
		"devicewidth": 420.0,
		"boxes": [
			{
				"box": {
					"id": "udpsend",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						20.0,
						540.0,
						192.0,
						22.0
					],
					"text": "udpsend 127.0.0.1 9000"
				}
			},
			{
				"box": {
					"id": "plugin",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"signal",
						"signal"
					],
					"patching_rect": [
						900.0,
						20.0,
						72.0,
						22.0
					],
					"text": "plugin~"
				}
			},
			{
				"box": {
					"id": "plugout",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"signal",
						"signal"
					],
					"patching_rect": [
						900.0,
						60.0,
						80.0,
						22.0
					],
					"text": "plugout~"
				}
			},
			{
				"box": {
					"id": "loaded",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"bang",
						"int",
						"int"
					],
					"patching_rect": [
						620.0,
						20.0,
						136.0,
						22.0
					],
					"text": "live.thisdevice"
				}
			},
			{
				"box": {
					"id": "macro-1",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						20.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Macro 1 Energy",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Macro 1 Energy",
							"parameter_shortname": "Energy",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								0.5
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /macro/1."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						8.0,
						22.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "macro-1-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "macro-1-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						156.0,
						144.0,
						22.0
					],
					"text": "prepend /macro/1"
				}
			},
			{
				"box": {
					"id": "macro-2",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						116.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Macro 2 Speed",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Macro 2 Speed",
							"parameter_shortname": "Speed",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								0.5
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /macro/2."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						56.0,
						22.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "macro-2-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						116.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "macro-2-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						116.0,
						156.0,
						144.0,
						22.0
					],
					"text": "prepend /macro/2"
				}
			},
			{
				"box": {
					"id": "macro-3",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						212.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Macro 3 Chaos",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Macro 3 Chaos",
							"parameter_shortname": "Chaos",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								0.5
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /macro/3."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						104.0,
						22.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "macro-3-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						212.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "macro-3-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						212.0,
						156.0,
						144.0,
						22.0
					],
					"text": "prepend /macro/3"
				}
			},
			{
				"box": {
					"id": "macro-4",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						308.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Macro 4 Colour",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Macro 4 Colour",
							"parameter_shortname": "Colour",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								0.5
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /macro/4."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						152.0,
						22.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "macro-4-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						308.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "macro-4-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						308.0,
						156.0,
						144.0,
						22.0
					],
					"text": "prepend /macro/4"
				}
			},
			{
				"box": {
					"id": "macro-5",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						404.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Macro 5 Texture",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Macro 5 Texture",
							"parameter_shortname": "Texture",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								0.5
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /macro/5."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						8.0,
						94.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "macro-5-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						404.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "macro-5-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						404.0,
						156.0,
						144.0,
						22.0
					],
					"text": "prepend /macro/5"
				}
			},
			{
				"box": {
					"id": "macro-6",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						500.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Macro 6 Zoom",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Macro 6 Zoom",
							"parameter_shortname": "Zoom",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								0.5
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /macro/6."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						56.0,
						94.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "macro-6-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						500.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "macro-6-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						500.0,
						156.0,
						144.0,
						22.0
					],
					"text": "prepend /macro/6"
				}
			},
			{
				"box": {
					"id": "macro-7",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						596.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Macro 7 Flash",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Macro 7 Flash",
							"parameter_shortname": "Flash",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								0.5
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /macro/7."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						104.0,
						94.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "macro-7-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						596.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "macro-7-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						596.0,
						156.0,
						144.0,
						22.0
					],
					"text": "prepend /macro/7"
				}
			},
			{
				"box": {
					"id": "macro-8",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						692.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Macro 8 Audio",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Macro 8 Audio",
							"parameter_shortname": "Audio",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								0.5
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /macro/8."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						152.0,
						94.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "macro-8-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						692.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "macro-8-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						692.0,
						156.0,
						144.0,
						22.0
					],
					"text": "prepend /macro/8"
				}
			},
			{
				"box": {
					"id": "master",
					"maxclass": "live.dial",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						788.0,
						60.0,
						44.0,
						48.0
					],
					"parameter_enable": 1,
					"varname": "Master",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Master",
							"parameter_shortname": "Master",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 1,
							"parameter_mmin": 0.0,
							"parameter_mmax": 1.0,
							"parameter_initial": [
								1.0
							],
							"parameter_initial_enable": 1,
							"parameter_info": "Sends /master/level."
						}
					},
					"presentation": 1,
					"presentation_rect": [
						200.0,
						22.0,
						44.0,
						48.0
					]
				}
			},
			{
				"box": {
					"id": "master-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						788.0,
						124.0,
						96.0,
						22.0
					],
					"text": "speedlim 5"
				}
			},
			{
				"box": {
					"id": "master-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						788.0,
						156.0,
						184.0,
						22.0
					],
					"text": "prepend /master/level"
				}
			},
			{
				"box": {
					"id": "title",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						8.0,
						602.0,
						180.0,
						18.0
					],
					"text": "CLAVILUX",
					"textjustification": 0,
					"presentation": 1,
					"presentation_rect": [
						8.0,
						2.0,
						180.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "freeze",
					"maxclass": "live.text",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20.0,
						220.0,
						72.0,
						18.0
					],
					"parameter_enable": 1,
					"varname": "Freeze",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Freeze",
							"parameter_shortname": "Freeze",
							"parameter_modmode": 0,
							"parameter_type": 2,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_info": "Sends /freeze."
						}
					},
					"mode": 1,
					"text": "Freeze",
					"texton": "Freeze",
					"presentation": 1,
					"presentation_rect": [
						204.0,
						94.0,
						72.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "freeze-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						250.0,
						136.0,
						22.0
					],
					"text": "prepend /freeze"
				}
			},
			{
				"box": {
					"id": "blackout",
					"maxclass": "live.text",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						160.0,
						220.0,
						72.0,
						18.0
					],
					"parameter_enable": 1,
					"varname": "Blackout",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Blackout",
							"parameter_shortname": "Blackout",
							"parameter_modmode": 0,
							"parameter_type": 2,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_info": "Sends /blackout."
						}
					},
					"mode": 1,
					"text": "Blackout",
					"texton": "Blackout",
					"presentation": 1,
					"presentation_rect": [
						204.0,
						116.0,
						72.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "blackout-address",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						160.0,
						250.0,
						152.0,
						22.0
					],
					"text": "prepend /blackout"
				}
			},
			{
				"box": {
					"id": "panic",
					"maxclass": "live.text",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						300.0,
						220.0,
						72.0,
						18.0
					],
					"parameter_enable": 1,
					"varname": "Panic",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Panic",
							"parameter_shortname": "Panic",
							"parameter_modmode": 0,
							"parameter_type": 2,
							"parameter_enum": [
								"val1",
								"val2"
							],
							"parameter_mmax": 1,
							"parameter_info": "Sends /panic."
						}
					},
					"mode": 0,
					"text": "Panic",
					"presentation": 1,
					"presentation_rect": [
						204.0,
						138.0,
						72.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "panic-bang",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						"bang"
					],
					"patching_rect": [
						300.0,
						250.0,
						40.0,
						22.0
					],
					"text": "t b"
				}
			},
			{
				"box": {
					"id": "panic-gate",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						300.0,
						290.0,
						48.0,
						22.0
					],
					"text": "gate"
				}
			},
			{
				"box": {
					"id": "panic-fires",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						300.0,
						320.0,
						80.0,
						22.0
					],
					"text": "/panic 1"
				}
			},
			{
				"box": {
					"id": "settled",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						"bang"
					],
					"patching_rect": [
						440.0,
						220.0,
						96.0,
						22.0
					],
					"text": "delay 1000"
				}
			},
			{
				"box": {
					"id": "open",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						440.0,
						250.0,
						24.0,
						22.0
					],
					"text": "1"
				}
			},
			{
				"box": {
					"id": "send-all",
					"maxclass": "live.text",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						620.0,
						130.0,
						128.0,
						18.0
					],
					"parameter_enable": 1,
					"varname": "Send all",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Send all",
							"parameter_shortname": "Send all",
							"parameter_modmode": 0,
							"parameter_type": 2,
							"parameter_enum": [
								"val1",
								"val2"
							],
							"parameter_mmax": 1,
							"parameter_info": "Sends every dial and switch again.",
							"parameter_invisible": 2
						}
					},
					"mode": 0,
					"text": "Send all",
					"presentation": 1,
					"presentation_rect": [
						284.0,
						138.0,
						128.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "send-all-bang",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						"bang"
					],
					"patching_rect": [
						620.0,
						160.0,
						40.0,
						22.0
					],
					"text": "t b"
				}
			},
			{
				"box": {
					"id": "tell",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						620.0,
						190.0,
						104.0,
						22.0
					],
					"text": "outputvalue"
				}
			},
			{
				"box": {
					"id": "follow",
					"maxclass": "live.text",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						620.0,
						200.0,
						128.0,
						18.0
					],
					"parameter_enable": 1,
					"varname": "Lead tempo",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Lead tempo",
							"parameter_shortname": "Lead tempo",
							"parameter_modmode": 0,
							"parameter_type": 2,
							"parameter_enum": [
								"off",
								"on"
							],
							"parameter_mmax": 1,
							"parameter_info": "Live's tempo leads: sends /tempo/bpm, and /tempo/resync on each bar.",
							"parameter_initial": [
								1
							],
							"parameter_initial_enable": 1
						}
					},
					"mode": 1,
					"text": "Tempo: own",
					"texton": "Tempo: Live",
					"presentation": 1,
					"presentation_rect": [
						284.0,
						22.0,
						128.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "song",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						760.0,
						60.0,
						120.0,
						22.0
					],
					"text": "path live_set"
				}
			},
			{
				"box": {
					"id": "song-path",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						760.0,
						90.0,
						88.0,
						22.0
					],
					"text": "live.path"
				}
			},
			{
				"box": {
					"id": "tempo",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						760.0,
						120.0,
						168.0,
						22.0
					],
					"text": "live.observer tempo"
				}
			},
			{
				"box": {
					"id": "tempo-gate",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						760.0,
						260.0,
						80.0,
						22.0
					],
					"text": "gate 1 1"
				}
			},
			{
				"box": {
					"id": "tempo-limit",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						760.0,
						290.0,
						104.0,
						22.0
					],
					"text": "speedlim 20"
				}
			},
			{
				"box": {
					"id": "bpm",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						760.0,
						320.0,
						160.0,
						22.0
					],
					"text": "prepend /tempo/bpm"
				}
			},
			{
				"box": {
					"id": "sync",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 9,
					"outlettype": [
						"int",
						"int",
						"int",
						"float",
						"list",
						"float",
						"float",
						"int",
						"int"
					],
					"patching_rect": [
						900.0,
						120.0,
						88.0,
						22.0
					],
					"text": "plugsync~"
				}
			},
			{
				"box": {
					"id": "beats",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						930.0,
						200.0,
						64.0,
						22.0
					],
					"text": "gate 1"
				}
			},
			{
				"box": {
					"id": "beat",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"int",
						"int"
					],
					"patching_rect": [
						930.0,
						230.0,
						64.0,
						22.0
					],
					"text": "change"
				}
			},
			{
				"box": {
					"id": "first",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"bang",
						""
					],
					"patching_rect": [
						930.0,
						260.0,
						56.0,
						22.0
					],
					"text": "sel 1"
				}
			},
			{
				"box": {
					"id": "stopped",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"bang",
						""
					],
					"patching_rect": [
						1010.0,
						170.0,
						56.0,
						22.0
					],
					"text": "sel 0"
				}
			},
			{
				"box": {
					"id": "forget",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1010.0,
						200.0,
						64.0,
						22.0
					],
					"text": "set -1"
				}
			},
			{
				"box": {
					"id": "bar-gate",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						930.0,
						290.0,
						80.0,
						22.0
					],
					"text": "gate 1 1"
				}
			},
			{
				"box": {
					"id": "resync",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						930.0,
						320.0,
						136.0,
						22.0
					],
					"text": "/tempo/resync 1"
				}
			},
			{
				"box": {
					"id": "off",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"bang",
						""
					],
					"patching_rect": [
						620.0,
						320.0,
						56.0,
						22.0
					],
					"text": "sel 0"
				}
			},
			{
				"box": {
					"id": "release",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						620.0,
						350.0,
						144.0,
						22.0
					],
					"text": "/tempo/release 1"
				}
			},
			{
				"box": {
					"id": "again",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						"bang"
					],
					"patching_rect": [
						700.0,
						350.0,
						40.0,
						22.0
					],
					"text": "t b"
				}
			},
			{
				"box": {
					"id": "scenes",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						620.0,
						420.0,
						128.0,
						22.0
					],
					"text": "js clavilux.js",
					"saved_object_attributes": {
						"filename": "clavilux.js",
						"parameter_enable": 0
					}
				}
			},
			{
				"box": {
					"id": "scenes-words",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						284.0,
						712.0,
						130.0,
						18.0
					],
					"text": "Scenes: cx:patch",
					"textjustification": 0,
					"presentation": 1,
					"presentation_rect": [
						284.0,
						112.0,
						130.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "host-words",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						284.0,
						644.0,
						44.0,
						18.0
					],
					"text": "Engine",
					"textjustification": 0,
					"presentation": 1,
					"presentation_rect": [
						284.0,
						44.0,
						44.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "host",
					"maxclass": "textedit",
					"numinlets": 1,
					"numoutlets": 4,
					"outlettype": [
						"",
						"int",
						"",
						""
					],
					"patching_rect": [
						20.0,
						420.0,
						84.0,
						18.0
					],
					"parameter_enable": 1,
					"varname": "Engine address",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Engine address",
							"parameter_shortname": "Address",
							"parameter_modmode": 0,
							"parameter_type": 3,
							"parameter_invisible": 1,
							"parameter_initial": [
								"127.0.0.1"
							],
							"parameter_initial_enable": 1
						}
					},
					"text": "127.0.0.1",
					"keymode": 1,
					"lines": 1,
					"outputmode": 1,
					"parameter_mappable": 0,
					"presentation": 1,
					"presentation_rect": [
						330.0,
						44.0,
						84.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "host-words-off",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20.0,
						450.0,
						96.0,
						22.0
					],
					"text": "route text"
				}
			},
			{
				"box": {
					"id": "host-set",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						480.0,
						112.0,
						22.0
					],
					"text": "prepend host"
				}
			},
			{
				"box": {
					"id": "port-words",
					"maxclass": "live.comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						284.0,
						668.0,
						44.0,
						18.0
					],
					"text": "Port",
					"textjustification": 0,
					"presentation": 1,
					"presentation_rect": [
						284.0,
						68.0,
						44.0,
						18.0
					]
				}
			},
			{
				"box": {
					"id": "port",
					"maxclass": "live.numbox",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						"float"
					],
					"patching_rect": [
						200.0,
						420.0,
						60.0,
						15.0
					],
					"parameter_enable": 1,
					"varname": "Engine port",
					"saved_attribute_attributes": {
						"valueof": {
							"parameter_longname": "Engine port",
							"parameter_shortname": "Port",
							"parameter_modmode": 0,
							"parameter_type": 0,
							"parameter_unitstyle": 0,
							"parameter_mmin": 1.0,
							"parameter_mmax": 65535.0,
							"parameter_invisible": 1,
							"parameter_initial": [
								9000.0
							],
							"parameter_initial_enable": 1
						}
					},
					"presentation": 1,
					"presentation_rect": [
						330.0,
						68.0,
						60.0,
						15.0
					]
				}
			},
			{
				"box": {
					"id": "port-whole",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						"int"
					],
					"patching_rect": [
						200.0,
						450.0,
						24.0,
						22.0
					],
					"text": "i"
				}
			},
			{
				"box": {
					"id": "port-set",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						200.0,
						480.0,
						112.0,
						22.0
					],
					"text": "prepend port"
				}
			}
		],
		"lines": [
			{
				"patchline": {
					"source": [
						"plugin",
						0
					],
					"destination": [
						"plugout",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"plugin",
						1
					],
					"destination": [
						"plugout",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-1",
						0
					],
					"destination": [
						"macro-1-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-1-limit",
						0
					],
					"destination": [
						"macro-1-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-1-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-2",
						0
					],
					"destination": [
						"macro-2-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-2-limit",
						0
					],
					"destination": [
						"macro-2-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-2-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-3",
						0
					],
					"destination": [
						"macro-3-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-3-limit",
						0
					],
					"destination": [
						"macro-3-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-3-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-4",
						0
					],
					"destination": [
						"macro-4-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-4-limit",
						0
					],
					"destination": [
						"macro-4-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-4-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-5",
						0
					],
					"destination": [
						"macro-5-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-5-limit",
						0
					],
					"destination": [
						"macro-5-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-5-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-6",
						0
					],
					"destination": [
						"macro-6-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-6-limit",
						0
					],
					"destination": [
						"macro-6-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-6-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-7",
						0
					],
					"destination": [
						"macro-7-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-7-limit",
						0
					],
					"destination": [
						"macro-7-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-7-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-8",
						0
					],
					"destination": [
						"macro-8-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-8-limit",
						0
					],
					"destination": [
						"macro-8-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"macro-8-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"master",
						0
					],
					"destination": [
						"master-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"master-limit",
						0
					],
					"destination": [
						"master-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"master-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"freeze",
						0
					],
					"destination": [
						"freeze-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"freeze-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"blackout",
						0
					],
					"destination": [
						"blackout-address",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"blackout-address",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"panic",
						0
					],
					"destination": [
						"panic-bang",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"panic-bang",
						0
					],
					"destination": [
						"panic-gate",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"panic-gate",
						0
					],
					"destination": [
						"panic-fires",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"panic-fires",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"loaded",
						0
					],
					"destination": [
						"settled",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"settled",
						0
					],
					"destination": [
						"open",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"open",
						0
					],
					"destination": [
						"panic-gate",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"send-all",
						0
					],
					"destination": [
						"send-all-bang",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"send-all-bang",
						0
					],
					"destination": [
						"tell",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"macro-1",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"macro-2",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"macro-3",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"macro-4",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"macro-5",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"macro-6",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"macro-7",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"macro-8",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"master",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"freeze",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tell",
						0
					],
					"destination": [
						"blackout",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"loaded",
						0
					],
					"destination": [
						"song",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"song",
						0
					],
					"destination": [
						"song-path",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"song-path",
						1
					],
					"destination": [
						"tempo",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tempo",
						0
					],
					"destination": [
						"tempo-gate",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tempo-gate",
						0
					],
					"destination": [
						"tempo-limit",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"tempo-limit",
						0
					],
					"destination": [
						"bpm",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"bpm",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"sync",
						0
					],
					"destination": [
						"beats",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"sync",
						2
					],
					"destination": [
						"beats",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"beats",
						0
					],
					"destination": [
						"beat",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"beat",
						0
					],
					"destination": [
						"first",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"sync",
						0
					],
					"destination": [
						"stopped",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"stopped",
						0
					],
					"destination": [
						"forget",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"forget",
						0
					],
					"destination": [
						"beat",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"first",
						0
					],
					"destination": [
						"bar-gate",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"bar-gate",
						0
					],
					"destination": [
						"resync",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"resync",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"follow",
						0
					],
					"destination": [
						"tempo-gate",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"follow",
						0
					],
					"destination": [
						"bar-gate",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"follow",
						0
					],
					"destination": [
						"off",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"off",
						0
					],
					"destination": [
						"release",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"release",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"off",
						1
					],
					"destination": [
						"again",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"again",
						0
					],
					"destination": [
						"tempo",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"loaded",
						0
					],
					"destination": [
						"scenes",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"scenes",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"host",
						0
					],
					"destination": [
						"host-words-off",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"host-words-off",
						0
					],
					"destination": [
						"host-set",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"host-set",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"port",
						0
					],
					"destination": [
						"port-whole",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"port-whole",
						0
					],
					"destination": [
						"port-set",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"port-set",
						0
					],
					"destination": [
						"udpsend",
						0
					]
				}
			}
		],
		"parameters": {
			"macro-1": [
				"Macro 1 Energy",
				"Energy",
				0
			],
			"macro-2": [
				"Macro 2 Speed",
				"Speed",
				0
			],
			"macro-3": [
				"Macro 3 Chaos",
				"Chaos",
				0
			],
			"macro-4": [
				"Macro 4 Colour",
				"Colour",
				0
			],
			"macro-5": [
				"Macro 5 Texture",
				"Texture",
				0
			],
			"macro-6": [
				"Macro 6 Zoom",
				"Zoom",
				0
			],
			"macro-7": [
				"Macro 7 Flash",
				"Flash",
				0
			],
			"macro-8": [
				"Macro 8 Audio",
				"Audio",
				0
			],
			"master": [
				"Master",
				"Master",
				0
			],
			"freeze": [
				"Freeze",
				"Freeze",
				0
			],
			"blackout": [
				"Blackout",
				"Blackout",
				0
			],
			"panic": [
				"Panic",
				"Panic",
				0
			],
			"send-all": [
				"Send all",
				"Send all",
				0
			],
			"follow": [
				"Lead tempo",
				"Lead tempo",
				0
			],
			"host": [
				"Engine address",
				"Address",
				0
			],
			"port": [
				"Engine port",
				"Port",
				0
			],
			"parameterbanks": {
				"0": {
					"index": 0,
					"name": "Macros",
					"parameters": [
						"Macro 1 Energy",
						"Macro 2 Speed",
						"Macro 3 Chaos",
						"Macro 4 Colour",
						"Macro 5 Texture",
						"Macro 6 Zoom",
						"Macro 7 Flash",
						"Macro 8 Audio"
					]
				},
				"1": {
					"index": 1,
					"name": "Master",
					"parameters": [
						"Master",
						"Freeze",
						"Blackout",
						"Panic",
						"-",
						"-",
						"-",
						"-"
					]
				}
			},
			"inherited_shortname": 1
		},
		"latency": 0,
		"project": {
			"version": 1,
			"amxdtype": 1633771873
		},
		"autosave": 0
	}
}
